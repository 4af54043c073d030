"""HuggingGPT: a controller plans tasks and picks models, experts do the tasks, the controller answers."""

__version__ = "0.1.0"
