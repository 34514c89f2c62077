"""`python -m genod_client` is `genod`."""

import sys

from genod_client.cli.main import main

sys.exit(main())
