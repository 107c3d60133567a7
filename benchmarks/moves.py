"""What it costs to move a deal to another stage beside changing it otherwise: `python -m benchmarks.moves`.

One process, one deal after the other, all ways in turn, through the corridor that all doors use: rules, history, the
event, and for a move the visit, its event and the times in stages. Every move is one: it goes on to the next stage, and
from the last to the first. The ratio is that of the medians; statements are those of most writes, since the first ones
take slots. `cpu` is what the process and its server worked, which a busy machine does not change as much.
"""

from __future__ import annotations

import argparse
import os
import statistics
from collections.abc import Callable, Sequence
from itertools import cycle, islice
from random import Random, SystemRandom
from time import process_time
from typing import Any

from benchmarks.server import Meter, own_server, version
from benchmarks.tables import show
from services.opportunities.manifest import MANIFEST
from services.opportunities.pipelines import SALES
from shared.kernel.clock import monotonic
from shared.kernel.config import Settings
from shared.kernel.context import SYSTEM, Context
from shared.service.app import migrate
from shared.service.entities import Draft, Ref, Update, View
from shared.service.runtime import Runtime

_NOTHING = View(attributes=())
_AT_ONCE = 100


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.moves", description=__doc__)
    parser.add_argument("--size", type=int, default=5000, help="deals (default 5,000)")
    parser.add_argument("--writes", type=int, default=1500, help="writes of each kind (default 1,500)")
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(10**6), help="of which deals are written")
    options = parser.parse_args(arguments)
    with own_server(None) as url:
        os.environ[f"{MANIFEST.name.upper()}_DATABASE_URL"] = url
        settings = Settings(pool_size=2)
        migrate(MANIFEST, settings)
        service = Runtime(MANIFEST, settings)
        measure(service, filled(service, options.size), options)
        service.db.dispose()
    return 0


def filled(service: Runtime, size: int) -> list[int]:
    """Deals that have been through every stage, so that all their times have values."""
    context, ids = Context(SYSTEM), []
    stages = [one.id for one in SALES.stages]
    for begin in range(0, size, _AT_ONCE):
        drafts = [
            Draft({"name": f"Deal {n}", "stage": stages[0], "amount": n, "type": "newbusiness", "next_step": "Call"})
            for n in range(begin, min(begin + _AT_ONCE, size))
        ]
        made: list[Any] = service.entities.create(context, "deal", drafts, _NOTHING)
        for stage in stages[1:]:
            moved = [Update(Ref(one.id), {"stage": stage}) for one in made]
            service.entities.update(context, "deal", moved, _NOTHING)
        ids += [one.id for one in made]
    with service.db.connect() as connection:
        connection.run("vacuum analyze")
    return ids


def measure(service: Runtime, ids: list[int], options: Any) -> None:
    """Write in turn, and print."""
    rng = Random(options.seed)
    context = Context(SYSTEM)
    stages = [one.id for one in SALES.stages]
    following = dict(zip(stages, (*stages[1:], stages[0]), strict=True))
    stands = dict.fromkeys(ids, stages[-1])

    def moved(ident: int) -> dict[str, object]:
        stands[ident] = following[stands[ident]]
        return {"stage": stands[ident]}

    kinds: dict[str, Callable[[int], dict[str, object]]] = {
        "change a text": lambda _: {"next_step": f"Call {rng.random()}"},
        "change five values": lambda _: {
            "next_step": f"Call {rng.random()}",
            "description": f"Long {rng.random()}",
            "priority": rng.choice(("low", "medium", "high")),
            "type": rng.choice(("newbusiness", "existingbusiness")),
            "closes_at": rng.randrange(1_700_000_000_000, 1_800_000_000_000),
        },
        "change the amount": lambda _: {"amount": rng.randrange(10**6)},
        "move": moved,
    }
    with service.db.connect() as connection:
        print(f"PostgreSQL {version(connection)}, {len(ids):,} deals, seed {options.seed}")
        meter = Meter(connection)
    times: dict[str, list[float]] = {name: [] for name in kinds}
    worked: dict[str, list[float]] = {name: [] for name in kinds}
    statements: dict[str, list[int]] = {name: [] for name in kinds}
    for name in islice(cycle(kinds), options.writes * len(kinds)):
        ident = rng.choice(ids)
        update = [Update(Ref(ident), kinds[name](ident))]
        busy, began = meter.read() + process_time() * 1000, monotonic()
        with service.db.counted() as counted:
            service.entities.update(context, "deal", update, _NOTHING)
        times[name].append((monotonic() - began) * 1000)
        worked[name].append(meter.read() + process_time() * 1000 - busy)
        statements[name].append(len(counted))
    plain, work = (statistics.median(found["change a text"]) for found in (times, worked))
    rows = []
    for name, found in times.items():
        middle, cpu = statistics.median(found), statistics.median(worked[name])
        p95 = statistics.quantiles(found, n=100)[94]
        usual = str(statistics.mode(statements[name]))
        rows.append((name, f"{middle:.2f}", f"{p95:.2f}", f"{middle / plain:.2f}", f"{cpu / work:.2f}", usual))
    titles = ("what", "median ms", "p95", "beside the first", "the same in cpu", "statements")
    show("Writing one deal", titles, rows)


if __name__ == "__main__":
    raise SystemExit(main())
