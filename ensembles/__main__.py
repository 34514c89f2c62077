"""`python -m ensembles`."""

import sys

from ensembles.cli import main

if __name__ == "__main__":
    sys.exit(main())
