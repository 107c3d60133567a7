"""`python -m deploy.gateway front=host:port workspace=host:port ...` prints nginx's configuration.

For installations that docker-compose.yml does not describe; that one's is checked in (`make compose`).
"""

from __future__ import annotations

import argparse
import sys

from deploy.gateway.nginx import FRONT, nginx_config
from deploy.routes import route_table
from deploy.services import ALL


def main() -> int:
    """Print the configuration; 2 when an address is missing."""
    parser = argparse.ArgumentParser(prog="python -m deploy.gateway", description="Print nginx's configuration.")
    parser.add_argument("addresses", nargs="+", metavar="SERVICE=HOST:PORT")
    parser.add_argument("--listen", default="8080", help="port, or address:port")
    parser.add_argument("--resolver", default="", help="the name server's address, when hosts are names")
    given = parser.parse_args()
    addresses = dict(one.partition("=")[::2] for one in given.addresses)
    table = route_table(ALL)
    wanted = table.services | {FRONT}
    if set(addresses) != wanted:
        parser.error(f"one address each is needed for: {', '.join(sorted(wanted))}")
    sys.stdout.write(nginx_config(table, addresses, given.listen, resolver=given.resolver))
    return 0


if __name__ == "__main__":
    sys.exit(main())
