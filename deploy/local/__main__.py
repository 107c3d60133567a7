"""`python -m deploy.local up|up-split|down|token|status-json`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from importlib import import_module

from deploy.local.trouble import Trouble

# Loaded when asked for: `token` and `down` have to work, and at once, whatever state the services' code is in.
_COMMANDS = {
    "up": ("deploy.local.up", "up"),
    "up-split": ("deploy.local.split", "up_split"),
    "down": ("deploy.local.control", "down"),
    "token": ("deploy.local.control", "token"),
    "status-json": ("deploy.local.control", "status_json"),
}


def main() -> int:
    """Run one command; its exit code. Trouble is one line on stderr and code 1."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description="Run the whole system on this machine.")
    parser.add_argument("command", choices=tuple(_COMMANDS))
    module, name = _COMMANDS[parser.parse_args().command]
    command: Callable[[], int] = getattr(import_module(module), name)
    try:
        return command()
    except Trouble as trouble:
        print(f"error: {trouble}", file=sys.stderr)
    except PermissionError as error:
        print(f"error: {error.filename}: {error.strerror}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
