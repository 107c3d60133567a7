"""`python3 deploy/compose/env.py` adds to .env what docker-compose.yml demands and .env has not: random passwords.

Needs nothing but Python, so that a machine with docker alone can run it; `make env` does. What is there stays.
"""

from __future__ import annotations

import re
import secrets
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
DEMANDED = re.compile(r"\$\{([A-Z][A-Z0-9_]*):\?")
_TOKEN = "CRM_SERVICE_TOKEN"  # noqa: S105 - the variable's name


def demanded(compose: str) -> list[str]:
    """The variables without which the file cannot be used, in its order."""
    return list(dict.fromkeys(DEMANDED.findall(compose)))


def missing(compose: str, env: str) -> list[str]:
    """Lines to add."""
    known = set(re.findall(r"^\s*([A-Z][A-Z0-9_]*)\s*=", env, re.MULTILINE))
    prefix = {_TOKEN: "crm_"}
    return [f"{name}={prefix.get(name, '')}{secrets.token_hex(32)}" for name in demanded(compose) if name not in known]


def main() -> int:
    """Add them."""
    file = PROJECT / ".env"
    file.touch(mode=0o600)
    env = file.read_text(encoding="utf-8")
    lines = missing((PROJECT / "docker-compose.yml").read_text(encoding="utf-8"), env)
    with file.open("a", encoding="utf-8") as output:
        output.write("" if env.endswith("\n") or not env else "\n")
        output.writelines(f"{line}\n" for line in lines)
    print(f"* {len(lines)} added to {file}; keep it: the databases and the ledger of erasures are bound to it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
