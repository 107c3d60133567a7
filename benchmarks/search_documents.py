"""One search document per entity against one row per (attribute, entity): the measurement behind docs/adr/0003.

`python -m benchmarks.search_documents [--size N] [--seed N]`. Both hold the same words of ten text attributes and
answer the same questions; answers are compared. Server CPU, synchronous_commit off.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random, SystemRandom
from typing import Any

from benchmarks.people import People, newcomer
from benchmarks.server import Meter, own_server, version
from benchmarks.tables import show
from shared.eav.folding import like_pattern, words
from shared.kernel.db import Connection, Database

TEXTS = "email first_name last_name phone company job_title city country account_code remark".split()
EMAIL, FIRST_NAME, LAST_NAME, COMPANY, JOB_TITLE, CITY, REMARK = 0, 1, 2, 4, 5, 6, 9
SEARCHABLE = (EMAIL, FIRST_NAME, LAST_NAME, COMPANY)
ROUNDS = 40
CHUNK = 5000
Words = dict[int, str]

SCHEMA = (
    "create table one_doc(id bigint primary key, doc text not null)",
    "create index one_doc_doc on one_doc using gin(doc gin_trgm_ops)",
    "create table row_each(attribute_id int, entity_id bigint, value text not null,"
    " primary key(entity_id, attribute_id))",
    "create index row_each_value on row_each using gin(attribute_id, value gin_trgm_ops)",
)
_SEGMENT = "split_part(split_part(doc, E'\\n' || {n} || E'\\t', 2), E'\\n', 1)"


@dataclass(frozen=True, slots=True)
class Design:
    """How one of the two writes and asks. `token(n)` and `text(words)` make statements; patterns are p0, p1 ..."""

    put: str
    change: str
    token: Callable[[int], str]
    text: Callable[[int], str]


def _token_in_document(n: int) -> str:
    segment = _SEGMENT.format(n=n)
    return f"select id from one_doc where doc like %(p0)s and {segment} like %(p0)s order by id"


def _text_in_document(count: int) -> str:
    found = [
        f"doc like %(p{k})s and ({' or '.join(f'{_SEGMENT.format(n=n)} like %(p{k})s' for n in SEARCHABLE)})"
        for k in range(count)
    ]
    return f"select id from one_doc where {' and '.join(found)} order by id"


def _token_in_rows(n: int) -> str:
    return f"select entity_id from row_each where attribute_id = {n} and value like %(p0)s order by entity_id"


def _text_in_rows(count: int) -> str:
    listed = ", ".join(map(str, SEARCHABLE))
    found = [
        f"select entity_id from row_each where attribute_id in ({listed}) and value like %(p{k})s" for k in range(count)
    ]
    return f"{' intersect '.join(found)} order by entity_id" if count > 1 else f"{_distinct(found[0])}"


def _distinct(query: str) -> str:
    return f"{query.replace('select', 'select distinct', 1)} order by entity_id"


DOCUMENTS = Design(
    "insert into one_doc select * from unnest(%(e)s::bigint[], %(d)s::text[])",
    "update one_doc set doc = %(doc)s where id = %(id)s",
    _token_in_document,
    _text_in_document,
)
ROWS = Design(
    "insert into row_each select * from unnest(%(ra)s::int[], %(re)s::bigint[], %(rv)s::text[])",
    "update row_each set value = %(value)s where entity_id = %(id)s and attribute_id = %(n)s",
    _token_in_rows,
    _text_in_rows,
)
DESIGNS = (DOCUMENTS, ROWS)


def document(given: Words) -> str:
    """The same form as the engine's (store.state.document)."""
    return "".join(f"\n{n}\t{text}" for n, text in sorted(given.items())) + "\n"


def arrays(people: Sequence[tuple[int, Words]]) -> dict[str, list[object]]:
    """Parameters for `put` of both designs."""
    each = [(n, ident, text) for ident, given in people for n, text in sorted(given.items())]
    return {
        "e": [ident for ident, _ in people],
        "d": [document(given) for _, given in people],
        "ra": [n for n, _, _ in each],
        "re": [ident for _, ident, _ in each],
        "rv": [text for _, _, text in each],
    }


def worded(values: dict[str, str]) -> Words:
    """The words of a person's text attributes, by number."""
    return {n: words(values[name]) for n, name in enumerate(TEXTS) if values.get(name)}


def chunks(people: People) -> Iterator[list[tuple[int, Words]]]:
    """All people, in portions."""
    portion: list[tuple[int, Words]] = []
    for ident, values in enumerate(people, start=1):
        portion.append((ident, worded(values)))
        if len(portion) == CHUNK:
            yield portion
            portion = []
    if portion:
        yield portion


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; 1 when the designs disagree."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.search_documents", description=__doc__)
    parser.add_argument("--size", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(10**6))
    options = parser.parse_args(arguments)
    rng = Random(options.seed)
    with own_server(None) as url, Database(url).connect() as connection:
        for statement in SCHEMA:
            connection.run(statement)
        spender = Spender(connection)
        title = f"{options.size:,} contacts, {len(TEXTS)} text attributes, PostgreSQL {version(connection)}, seed"
        rows, sample = _load(connection, spender, People(options.size, options.seed))
        rows += _sizes(connection)
        rows += _writes(spender, options.size, sample, rng)
        asked, wrong = _questions(spender, sample, rng)
        heads = ("", "one document", "row per attribute", "documents / rows")
        show(f"{title} {options.seed}", heads, [_shown(row) for row in rows + asked])
    return 1 if wrong else 0


Row = tuple[str, float, float]


def _shown(row: Row) -> tuple[str, ...]:
    return row[0], f"{row[1]:.2f}", f"{row[2]:.2f}", f"{row[1] / row[2]:.2f}"


class Spender:
    """Runs statements and tells their server CPU in milliseconds."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._meter = Meter(connection)

    def run(self, sql: str, params: Mapping[str, object], *, prepare: bool = True) -> float:
        """Without reading rows."""
        before = self._meter.read()
        self._connection.run(sql, params, prepare=prepare)
        return self._meter.read() - before

    def rows(self, sql: str, params: Mapping[str, object]) -> tuple[float, list[tuple[Any, ...]]]:
        """Planned with the actual values, as the engine plans searches."""
        before = self._meter.read()
        found = self._connection.rows(sql, params)
        return self._meter.read() - before, found


def _load(connection: Connection, spender: Spender, people: People) -> tuple[list[Row], list[tuple[int, Words]]]:
    cost = [0.0, 0.0]
    sample: list[tuple[int, Words]] = []
    for portion in chunks(people):
        params = arrays(portion)
        for n, design in enumerate(DESIGNS):
            cost[n] += spender.run(design.put, params, prepare=False)
        sample += portion[:: max(1, CHUNK // 100)]
    for table in ("one_doc", "row_each"):
        connection.run(f"vacuum analyze {table}")
    return [("load, CPU µs per entity", cost[0] * 1000 / people.count, cost[1] * 1000 / people.count)], sample


def _sizes(connection: Connection) -> list[Row]:
    found = []
    for what, function in (("table, MB", "pg_table_size"), ("indexes, MB", "pg_indexes_size")):
        row = connection.row(f"select {function}('one_doc') / 1e6, {function}('row_each') / 1e6")
        assert row is not None
        found.append((what, float(row[0]), float(row[1])))
    return found


def _writes(spender: Spender, size: int, sample: Sequence[tuple[int, Words]], rng: Random) -> list[Row]:
    made: list[list[float]] = [[], []]
    changed: list[list[float]] = [[], []]
    for number in range(ROUNDS):
        params = arrays([(size + number + 1, worded(newcomer(rng, f"{number:05d}")))])
        ident, given = rng.choice(sample)
        given[CITY] = words(rng.choice(["Warszawa", "北京", "São Paulo", "Berlin"]) + f" {number}")
        change = {"doc": document(given), "id": ident, "n": CITY, "value": given[CITY]}
        for n, design in enumerate(DESIGNS):
            made[n].append(spender.run(design.put, params))
            changed[n].append(spender.run(design.change, change))
    # GIN keeps new entries in a pending list that somebody pays for later: count it in.
    clean = [
        spender.run("select gin_clean_pending_list(%(index)s)", {"index": index}) / ROUNDS / 2
        for index in ("one_doc_doc", "row_each_value")
    ]
    return [
        ("one create, CPU ms", statistics.mean(made[0]), statistics.mean(made[1])),
        ("one change of one text, CPU ms", statistics.mean(changed[0]), statistics.mean(changed[1])),
        ("pending list, per write, CPU ms", *clean),
    ]


def _questions(spender: Spender, sample: Sequence[tuple[int, Words]], rng: Random) -> tuple[list[Row], int]:
    rows: list[Row] = []
    wrong = 0

    def last_name() -> str:
        return rng.choice(sample)[1][LAST_NAME].split()[0]

    def whole_name() -> tuple[str, ...]:
        given = rng.choice(sample)[1]
        return given[FIRST_NAME].split()[0], given[LAST_NAME].split()[0]

    kinds: tuple[tuple[str, int | None, Callable[[], tuple[str, ...]]], ...] = (
        ("token: last name, a word", LAST_NAME, lambda: (last_name(),)),
        ("token: e-mail, part of a word", EMAIL, lambda: (f"*{last_name()[:5]}*",)),
        ("token: city (many)", CITY, lambda: (rng.choice(sample)[1].get(CITY, "berlin"),)),
        ("token: remark, a word (many)", REMARK, lambda: (rng.choice(["fair", "demo", "phone", "partner"]),)),
        ("token: a word of other attributes", JOB_TITLE, lambda: (last_name(),)),
        ("free text: one word", None, lambda: (last_name(),)),
        ("free text: two words", None, whole_name),
    )
    for name, attribute, draw in kinds:
        spent: list[list[float]] = [[], []]
        for _ in range(ROUNDS):
            params = {f"p{k}": like_pattern(word) for k, word in enumerate(draw())}
            answers = []
            for n, design in enumerate(DESIGNS):
                sql = design.text(len(params)) if attribute is None else design.token(attribute)
                cost, found = spender.rows(sql, params)
                spent[n].append(cost)
                answers.append(found)
            wrong += answers[0] != answers[1]
        rows.append((f"{name}, CPU ms", statistics.median(spent[0]), statistics.median(spent[1])))
    if wrong:
        print(f"{wrong} answers differ", file=sys.stderr)
    return rows, wrong


if __name__ == "__main__":
    sys.exit(main())
