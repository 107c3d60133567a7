"""`python -m deploy.local up|down|token|status-json`."""

from __future__ import annotations

import sys

from deploy.local.up import main

if __name__ == "__main__":
    sys.exit(main())
