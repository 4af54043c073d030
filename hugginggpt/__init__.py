"""HuggingGPT: a controller plans tasks and picks models, experts do the tasks, the controller answers.

What a program needs can be imported from here; each name is looked up at its first use, so that importing is quick:

    from hugginggpt import Answered, make_agent, make_controller

    agent = make_agent()
    with agent.new_session() as session:
        async for event in agent.run("What does this sign say?", session, make_controller()):
            if isinstance(event, Answered):
                print(event.answer)

``docs/python.md`` has an example that runs, with a file, a language model and a plan of one's own.
"""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hugginggpt.agent.agent import HuggingGPT as HuggingGPT
    from hugginggpt.agent.factory import make_agent as make_agent
    from hugginggpt.agent.factory import make_controller as make_controller
    from hugginggpt.agent.factory import make_language_model as make_language_model
    from hugginggpt.agent.factory import make_session_experts as make_session_experts
    from hugginggpt.agent.run_plan import describe_step as describe_step
    from hugginggpt.agent.run_plan import run_plan as run_plan
    from hugginggpt.controllers.context import Session as Session
    from hugginggpt.core.errors import HuggingGPTError as HuggingGPTError
    from hugginggpt.core.events import Answered as Answered
    from hugginggpt.core.events import Event as Event
    from hugginggpt.core.events import TaskDone as TaskDone
    from hugginggpt.core.plan import Plan as Plan
    from hugginggpt.core.plan import Task as Task
    from hugginggpt.core.resources import Resource as Resource
    from hugginggpt.core.settings import Settings as Settings
    from hugginggpt.core.trace import fold_steps as fold_steps
    from hugginggpt.core.trace import trace_json as trace_json

__version__ = "0.1.0"

_MODULES = {
    "agent.agent": "HuggingGPT",
    "agent.factory": "make_agent make_controller make_language_model make_session_experts",
    "agent.run_plan": "describe_step run_plan",
    "controllers.context": "Session",
    "core.errors": "HuggingGPTError",
    "core.events": "Answered Event TaskDone",
    "core.plan": "Plan Task",
    "core.resources": "Resource",
    "core.settings": "Settings",
    "core.trace": "fold_steps trace_json",
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names.split()}
__all__ = sorted(_MODULE_OF)  # noqa: PLE0605 (the names above, and a test imports each)

# Scripts and workflows that were exported name modules that have moved since: their old names are looked up there last.
__path__.append(str(Path(__file__).parent / "ui" / "export" / "previous_names"))


def __getattr__(name: str) -> Any:
    """Import a public name at its first use (PEP 562)."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
