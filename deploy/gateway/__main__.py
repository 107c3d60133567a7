"""`python -m deploy.gateway workspace=host:port contacts=host:port [--listen 8080]` prints nginx's configuration."""

from __future__ import annotations

import argparse
import sys

from deploy.gateway.nginx import nginx_config
from deploy.routes import route_table
from deploy.services import ALL


def main() -> int:
    """Print the configuration; 2 when an address is missing."""
    parser = argparse.ArgumentParser(prog="python -m deploy.gateway", description="Print nginx's configuration.")
    parser.add_argument("addresses", nargs="+", metavar="SERVICE=HOST:PORT")
    parser.add_argument("--listen", default="8080", help="port, or address:port")
    given = parser.parse_args()
    addresses = dict(one.partition("=")[::2] for one in given.addresses)
    table = route_table(ALL)
    if set(addresses) != table.services:
        parser.error(f"one address each is needed for: {', '.join(sorted(table.services))}")
    sys.stdout.write(nginx_config(table, addresses, given.listen))
    return 0


if __name__ == "__main__":
    sys.exit(main())
