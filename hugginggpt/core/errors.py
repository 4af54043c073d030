"""All errors, in few classes; every message is one sentence that a person can act on.

Each class also inherits the built-in exception it resembles, so code that knows nothing of this package
can still tell a time-out from a bad value. The technical cause stays in ``__cause__`` for the log.
"""

import errno


class HuggingGPTError(Exception):
    """Base of all errors whose text is meant for the person who made the request."""


class RequestError(HuggingGPTError, ValueError):
    """The request can't be planned: it is empty, too long, or in a language the controller can't read."""


class PlanError(HuggingGPTError, ValueError):
    """A controller's reply is no plan and can't be repaired; the message names the task and the field."""


class ResourceError(HuggingGPTError, ValueError):
    """A file, a URL or a resource name can't be used."""


class ControllerError(HuggingGPTError, ConnectionError):
    """The controller's server can't be reached, refuses the key, or answers something unusable."""


class BrokenOffError(ControllerError):
    """The controller's reply ended before it was complete; what came before may be used."""


class TooLongError(ControllerError):
    """The question doesn't fit the language model's window; a shorter one may."""


class NoPicturesError(ControllerError):
    """The language model takes no pictures; it may take the question without them."""


class ExpertError(HuggingGPTError, RuntimeError):
    """A model failed on a task; another model may do better."""


class BackendError(ExpertError, ConnectionError):
    """A whole back end can't be used (no network, a token that is refused); models of other back ends may do better."""


class AccountError(BackendError):
    """A key or an account is refused: no call on it will do, in this request or the next, until the person has acted."""


class ModelError(ExpertError, LookupError):
    """A model can't be used at any of its providers (consent, or this input); other models may do better."""


class ProviderError(ExpertError, ConnectionError):
    """A provider takes no calls, or not this one (a bill, moderation); models at other providers may do better."""


class BusyProviderError(ProviderError):
    """A provider has failed or is over its limit just now; its other models are worth a try after all others."""


class InputError(ExpertError, ValueError):
    """A task's input doesn't suit the task (an empty text, a silent recording); no other model would do better."""


class DeadlineError(HuggingGPTError, TimeoutError):
    """Something took longer than its deadline."""


class StoppedError(HuggingGPTError):
    """The person stopped the request; raised inside worker threads by a cancel token."""


def explain_environment_error(error: BaseException) -> str:
    """Explain an error in one sentence if memory, disk space or a package was missing; empty for any other error."""
    text = str(error).lower()  # torch raises plain RuntimeErrors for memory: only their words tell
    if isinstance(error, MemoryError) or "out of memory" in text or "can't allocate memory" in text:
        return "The memory ran out: choose a smaller model or a smaller input."
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:  # or the user's quota
        return "The disk is full: free some space and try again."
    if isinstance(error, ModuleNotFoundError) and error.name:  # raised by hand, it may have no name
        return f"This model needs the Python package {error.name}, which is not installed: choose another model, or install it."
    return ""
