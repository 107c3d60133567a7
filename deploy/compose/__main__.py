"""`python -m deploy.compose`: write docker-compose.yml and deploy/gateway/nginx.conf anew; `make compose` does it."""

from __future__ import annotations

import sys
from pathlib import Path

from deploy.compose.text import compose_text, gateway_text
from deploy.routes import route_table
from deploy.services import ALL

PROJECT = Path(__file__).resolve().parents[2]


def written() -> dict[Path, str]:
    """The files and what should be in them."""
    return {
        PROJECT / "docker-compose.yml": compose_text(manifest.name for manifest in ALL),
        PROJECT / "deploy" / "gateway" / "nginx.conf": gateway_text(route_table(ALL)),
    }


def main() -> int:
    """Write them."""
    for file, text in written().items():
        file.write_text(text, encoding="utf-8")
        print(f"* {file.relative_to(PROJECT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
