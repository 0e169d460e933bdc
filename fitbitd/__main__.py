"""`python -m fitbitd` is `fitbitd`."""

import sys

from fitbitd.cli import main

sys.exit(main())
