"""``python -m serving.probes``."""

import sys

from serving.probes.command import main

sys.exit(main())
