"""The parts of a service that runs alone: `python -m crm.running migrate|bus SERVICE`, started by `crm run`.

Apart from the command line, which needs none of what this imports.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence

from shared.kernel import telemetry
from shared.kernel.config import Settings
from shared.service.app import migrate
from shared.service.bus_process import run_bus
from shared.service.manifest import Manifest


def _bus(manifest: Manifest, settings: Settings) -> None:
    # Alone, there may be no Celery beside it: partitions and spare slots are looked after here.
    run_bus((manifest,), settings, maintenance=True)


_PARTS: dict[str, Callable[[Manifest, Settings], object]] = {"migrate": migrate, "bus": _bus}


def main(arguments: Sequence[str]) -> int:
    """Run one part of one service; 2 for words that name none."""
    if len(arguments) != 2 or arguments[0] not in _PARTS:
        print(f"usage: python -m crm.running {'|'.join(_PARTS)} SERVICE", file=sys.stderr)
        return 2
    part, service = arguments
    settings = Settings()
    telemetry.configure(settings.log_level)
    manifest: Manifest = importlib.import_module(f"services.{service}.manifest").MANIFEST
    _PARTS[part](manifest, settings)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
