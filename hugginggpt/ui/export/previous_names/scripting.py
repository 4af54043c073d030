"""``hugginggpt.scripting``, as exported scripts of earlier versions name it."""

from hugginggpt.agent.run_plan import run_plan as run_plan
from hugginggpt.agent.run_plan import told as told
