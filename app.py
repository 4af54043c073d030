"""Entry point of the Space and of ``make run``: starts the page, and ends it."""

import sys

from hugginggpt.ui.launch import launch

if __name__ == "__main__":
    sys.exit(launch())
