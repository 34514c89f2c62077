"""``python -m loadtest``."""

import sys

from loadtest.cli import main

# Worker processes may be started by importing this module again: they must not run the command a second time.
if __name__ == "__main__":
    sys.exit(main())
