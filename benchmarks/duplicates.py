"""What it costs to look for possible duplicates of one contact among many: `python -m benchmarks.duplicates`.

Contacts are made by SQL, all at once; their match keys by the same backfill that maintenance does. Then contacts that
are there are asked for again, as typed by somebody in a hurry. Times are wall times of one process.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random, SystemRandom
from typing import Any

from benchmarks.server import own_server, version
from benchmarks.tables import show
from services.contacts.matching import MATCHING
from services.contacts.schema import TYPES
from shared.bus.schema import prepare
from shared.eav.engine import Engine
from shared.eav.entity import View
from shared.eav.install import declare_types, ensure_partitions
from shared.eav.requests import Draft
from shared.eav.slots import provision
from shared.eav.tables import table_name
from shared.kernel.clock import monotonic
from shared.kernel.context import Context
from shared.kernel.db import Database
from shared.kernel.migrate import migrate
from shared.service.matching.backfill import backfill
from shared.service.matching.duplicates import Duplicates
from shared.service.matching.keeping import Keeping
from shared.service.revisions import migration_folders

NAMES = ("email", "first_name", "last_name", "phone", "company", "city")
_SYLLABLES = (
    "ba be bi bo bu da de di do du fa fe fi fo fu ka ke ki ko ku la le li lo lu ma me mi mo mu na ne ni no".split()
)
# Names of uneven frequency: a power of a random number prefers the low ones.
_ROWS = """
insert into {table} (id, version, created_at, updated_at, recorded_at, created_by, source, checksum, {columns})
select nextval('eav_entity_id'), 1, now(), now(), now(), 'bench', 'IMPORT', 0,
    f || '.' || l || n || '@' || d || '.test', f, l, '+49' || (1000000000 + (n::bigint * 7919) % 8999999999)::text,
    c || ' gmbh', t
from (
    select n, {first} as f, {last} as l, {company} as c, {domain} as d, {city} as t from generate_series(1, {size}) n
) made
"""


def _word(syllables: int, power: float) -> str:
    """SQL of a random word of so many syllables; the higher the power, the fewer words are usual ones."""
    parts = [f"(array{_SYLLABLES!r})[1 + floor(power(random(), {power}) * {len(_SYLLABLES)})::int]"] * syllables
    return " || ".join(parts)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.duplicates", description=__doc__)
    parser.add_argument("--size", type=int, default=1_000_000, help="contacts (default 1,000,000)")
    parser.add_argument("--asked", type=int, default=500, help="how many contacts are asked for")
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(10**6), help="of what is asked")
    parser.add_argument("--home", type=Path, help="keep the server's data here and use it again")
    options = parser.parse_args(arguments)
    with own_server(options.home) as url:
        database = Database(url, pool_size=2)
        engine = Engine(database)
        if database_is_empty(database):
            fill(database, engine, options.size)
        duplicates = Duplicates(engine, Keeping(MATCHING, database))
        measure(database, duplicates, options)
    return 0


def database_is_empty(database: Database) -> bool:
    """Whether this home was never used."""
    with database.connect() as connection:
        return connection.row("select to_regclass('match_key')") == (None,)


def fill(database: Database, engine: Engine, size: int) -> None:
    """Tables, contacts, keys."""
    migrate(database.url, migration_folders(None))
    prepare(database)
    ensure_partitions(database)
    declare_types(database, TYPES)
    provision(database)
    example = {
        "email": "a@b.test",
        "phone": "+49301234567",
        **dict.fromkeys(NAMES[1:3], "a"),
        "company": "a",
        "city": "a",
    }
    engine.writes.create("contact", [Draft(example)], Context(), View())
    engine.catalog.refresh()
    live = engine.catalog.type("contact")
    columns = ", ".join(str(live.attributes[name].column) for name in NAMES)
    made = {"first": _word(2, 1.5), "last": _word(3, 1.2), "company": _word(4, 1.1), "domain": _word(4, 1.1)}
    sql = _ROWS.format(table=table_name(live.table), columns=columns, size=size, city=_word(2, 2), **made)
    began = monotonic()
    with database.connect() as connection:
        connection.run(sql)
        print(f"{size:,} contacts in {monotonic() - began:.0f} s", file=sys.stderr)
        began = monotonic()
        while backfill(MATCHING, database, seconds=30):
            print(f"  keys: {monotonic() - began:.0f} s", file=sys.stderr, flush=True)
        seconds = monotonic() - began
        for table in (table_name(live.table), "match_key"):
            connection.run(f"vacuum analyze {table}")
    rules = len(MATCHING["contact"])
    print(f"keys of {size:,} contacts by {rules} rules: {seconds:.0f} s, {size / seconds:,.0f} contacts/s")


def measure(database: Database, duplicates: Duplicates, options: Any) -> None:
    """Ask, and print how long it took."""
    rng = Random(options.seed)
    asked = draw(database, duplicates, rng, options.asked)
    rows = []
    for title, hurried in (("as it is", False), ("in a hurry", True)):
        times, found, statements = [], 0, 0
        for values in asked:
            given = hurry(values, rng) if hurried else {name: one for name, one in values.items() if name != "email"}
            began = monotonic()
            with database.counted() as counted:
                alike = duplicates.check(Context(), "contact", given)
            times.append((monotonic() - began) * 1000)
            found += bool(alike)
            statements = max(statements, len(counted))
        cuts = statistics.quantiles(times, n=100)
        shown = (f"{statistics.median(times):.1f}", f"{cuts[94]:.1f}", f"{cuts[98]:.1f}", f"{max(times):.1f}")
        rows.append((title, *shown, f"{found / len(asked):.0%}", str(statements)))
    with database.connect() as connection:
        count, keys = (
            connection.rows(f"select count(*) from {one}")[0][0] for one in (entity_table(duplicates), "match_key")
        )
        print(f"PostgreSQL {version(connection)}, {count:,} contacts, {keys:,} keys, seed {options.seed}")
    show(
        "Looking for duplicates of one contact",
        ("asked", "median ms", "p95", "p99", "most", "found", "statements"),
        rows,
    )


def entity_table(duplicates: Duplicates) -> str:
    """The table of contacts."""
    return table_name(duplicates._engine.catalog.type("contact").table)


def draw(database: Database, duplicates: Duplicates, rng: Random, count: int) -> list[dict[str, str]]:
    """Contacts picked at random."""
    live = duplicates._engine.catalog.type("contact")
    columns = ", ".join(str(live.attributes[name].column) for name in NAMES)
    with database.connect() as connection:
        (low, high) = connection.rows(f"select min(id), max(id) from {table_name(live.table)}")[0]
        ids = [rng.randint(low, high) for _ in range(count)]
        sql = f"select {columns} from {table_name(live.table)} where id = any(%(ids)s)"
        return [dict(zip(NAMES, row, strict=True)) for row in connection.rows(sql, {"ids": ids})]


def hurry(values: dict[str, str], rng: Random) -> dict[str, str]:
    """What somebody types who is in a hurry: no address, no phone, two letters of the name the wrong way round."""
    last = values["last_name"]
    place = rng.randrange(1, len(last) - 1)
    twisted = last[:place] + last[place + 1] + last[place] + last[place + 2 :]
    return {"first_name": values["first_name"], "last_name": twisted, "company": values["company"].upper()}


if __name__ == "__main__":
    raise SystemExit(main())
