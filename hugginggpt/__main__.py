"""``python -m hugginggpt``: see `hugginggpt.cli.main`."""

import sys

from hugginggpt.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
