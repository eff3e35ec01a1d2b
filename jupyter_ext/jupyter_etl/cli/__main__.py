"""``python -m jupyter_etl.cli``."""

import sys

from jupyter_etl.cli.main import main

sys.exit(main())
