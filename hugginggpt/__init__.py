"""HuggingGPT: a controller plans tasks and picks models, experts do the tasks, the controller answers."""

from pathlib import Path

__version__ = "0.1.0"

# Scripts and workflows that were exported name modules that have moved since: their old names are looked up there last.
__path__.append(str(Path(__file__).parent / "ui" / "export" / "previous_names"))
