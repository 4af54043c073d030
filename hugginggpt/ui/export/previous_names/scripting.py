"""``hugginggpt.scripting``, as exported scripts of earlier versions name it."""

from hugginggpt.agent.run_plan import describe_step as told
from hugginggpt.agent.run_plan import run_plan

__all__ = ["run_plan", "told"]
