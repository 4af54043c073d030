"""A task that a request asks for, with all that its words tell about it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Intent:
    """One task that is asked for."""

    task: str
    start: int
    """Start of its words in the request."""
    end: int
    question: str = ""
    labels: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    """Into which to translate, one task for each."""
    instruction: str = ""
    """Wished length of a summary, or the way to rewrite a text, in the person's own words."""
    prompt: str = ""
    """Subject of a picture, sound or video."""
    follows: bool = False
    """True if it works on what the step right before it makes."""
    later: bool = False
    """True if its words speak of what another step makes, so that it comes after that one."""
    spoken: bool = False
    """True if its question is the one that is asked in a recording."""
