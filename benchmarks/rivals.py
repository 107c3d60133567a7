"""The rivals: a bare Flask route, and hand-written Flask + psycopg routes over the native table. Run by gunicorn.

The hand-written routes do what a careful person would who knows the table: one connection per thread, statements as
text with parameters, values formatted in SQL, orjson. They know no tokens, rights, log, metrics, catalog, validation
or history, and answer the same JSON as the system does.
"""

from __future__ import annotations

import base64
import os
import threading
from typing import Any

import orjson
import psycopg
from flask import Flask, Response, request

from benchmarks.people import NAMES

_ISO = """to_char({}, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"""
_NUMBERS = ("agent", "contract_value", "rating")
_WIRE = {
    "first_name": "firstname",
    "last_name": "lastname",
    "job_title": "jobtitle",
    "lifecycle_stage": "lifecyclestage",
    "lead_status": "hs_lead_status",
}


def _shown(name: str) -> str:
    if name in _NUMBERS:
        return f"trim_scale(n.{name})::text"
    if name == "last_seen_at":
        return _ISO.format(f"n.{name}")
    return f"n.{name}::text" if name == "renewal_on" else f"n.{name}"


_FIXED = f"n.id, n.version, {_ISO.format('n.created_at')}, {_ISO.format('n.updated_at')}"
_COLUMNS = f"{_FIXED}, {', '.join(map(_shown, NAMES))}"
_AGENT, _VALUE, _RATING, _SEEN, _ACTIVE = (
    4 + NAMES.index(name) for name in ("agent", "contract_value", "rating", "last_seen_at", "active")
)
_COUNT = {
    "segment": "select count(*) from native n where n.segment = %(segment)s",
    "three": "select count(*) from native n where n.active = %(active)s and n.rating between %(low)s and %(high)s "
    "and n.contract_value >= %(least)s",
    "rating": "select count(*) from native n where n.rating <= %(most)s",
}
_WHERE = {key: text.partition(" where ")[2] for key, text in _COUNT.items()}
_ORDER = "order by n.last_seen_at desc, n.id desc limit 51"
_local = threading.local()


def _run(sql: str, params: Any) -> list[tuple[Any, ...]]:
    connection = getattr(_local, "connection", None)
    if connection is None:
        connection = _local.connection = psycopg.connect(os.environ["BENCH_DATABASE_URL"], autocommit=True)
    return connection.execute(sql, params).fetchall()


def _entity(row: tuple[Any, ...]) -> dict[str, Any]:
    values = {"id": str(row[0]), "created_at": row[2], "updated_at": row[3]}
    values |= zip(NAMES, row[4:], strict=True)
    for name, place in (("agent", _AGENT), ("contract_value", _VALUE), ("rating", _RATING)):
        if row[place] is not None:
            values[name] = orjson.Fragment(row[place])
    return {
        "id": str(row[0]),
        "type": "contact",
        "version": row[1],
        "created_at": row[2],
        "updated_at": row[3],
        "archived": False,
        "values": values,
    }


def _record(row: tuple[Any, ...]) -> dict[str, Any]:
    """The same as a record of the wire dialect: all values are text."""
    properties: dict[str, Any] = {_WIRE.get(name, name): value for name, value in zip(NAMES, row[4:], strict=True)}
    properties["active"] = None if row[_ACTIVE] is None else "true" if row[_ACTIVE] else "false"
    properties |= {"createdate": row[2], "lastmodifieddate": row[3], "hs_object_id": str(row[0])}
    return {"id": str(row[0]), "properties": properties, "createdAt": row[2], "updatedAt": row[3], "archived": False}


def _answer(body: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, content_type="application/json")


def bare() -> Response:
    """Nothing but Flask."""
    return Response(b'{"ok":true}', content_type="application/json")


def read(id: str) -> Response:
    """One contact."""
    rows = _run(f"select {_COLUMNS} from native n where n.id = %(id)s", {"id": int(id)})
    return _answer(_entity(rows[0])) if rows else _answer({"message": "not found"}, 404)


def update(id: str) -> Response:
    """Change some columns; answers the contact."""
    values = orjson.loads(request.get_data())["values"]
    sets = ", ".join(f"{name} = %({name})s" for name in NAMES if name in values)
    sql = f"update native n set {sets}, version = version + 1 where n.id = %(id)s returning {_COLUMNS}"
    return _answer(_entity(_run(sql, values | {"id": int(id)})[0]))


def create() -> Response:
    """A new contact."""
    values = orjson.loads(request.get_data())["values"]
    names = [name for name in NAMES if name in values]
    marks = ", ".join(f"%({name})s" for name in names)
    sql = f"insert into native as n({', '.join(names)}) values ({marks}) returning {_COLUMNS}"
    return _answer(_entity(_run(sql, values)[0]), 201)


def query() -> Response:
    """A page of 50, newest first, filtered in one of the three ways; by cursor, with a total when asked for."""
    body = orjson.loads(request.get_data())
    where = _WHERE[body["by"]]
    if body.get("cursor"):
        at, ident = orjson.loads(base64.urlsafe_b64decode(body["cursor"]))
        body |= {"at": at, "after": ident}
        where += " and (n.last_seen_at, n.id) < (%(at)s::timestamp, %(after)s)"
    rows = _run(f"select {_COLUMNS} from native n where {where} {_ORDER}", body)
    found: dict[str, Any] = {"results": [_entity(row) for row in rows[:50]]}
    if len(rows) > 50:
        found["next_cursor"] = base64.urlsafe_b64encode(orjson.dumps([rows[49][_SEEN], rows[49][0]])).decode()
    if body.get("total"):
        found["total"] = _run(_COUNT[body["by"]], body)[0][0]
    return _answer(found)


def count() -> Response:
    """The first contact of a segment and how many there are."""
    body = orjson.loads(request.get_data())
    sql = f"select {_FIXED} from native n where n.segment = %(segment)s order by n.id limit 2"
    rows = _run(sql, body)
    first = rows[0]
    entity = _entity((*first, *[None] * len(NAMES)))
    entity["values"] = {"id": str(first[0]), "created_at": first[2], "updated_at": first[3]}
    return _answer({"results": [entity], "total": _run(_COUNT["segment"], body)[0][0]})


def search() -> Response:
    """A page of 50 at an offset, as the wire dialect shows it, with the total."""
    body = orjson.loads(request.get_data())
    sql = f"select {_COLUMNS} from native n where {_WHERE[body['by']]} {_ORDER} offset %(after)s"
    rows = _run(sql, body)
    total = _run(_COUNT[body["by"]], body)[0][0]
    found: dict[str, Any] = {"total": total, "results": [_record(row) for row in rows[:50]]}
    if len(rows) > 50:
        found["paging"] = {"next": {"after": str(body["after"] + 50)}}
    return _answer(found)


def app() -> Flask:
    """What gunicorn loads."""
    made = Flask("rivals", static_folder=None)
    made.add_url_rule("/bare", view_func=bare)
    made.add_url_rule("/native/<id>", view_func=read, methods=["GET"])
    made.add_url_rule("/native/<id>", view_func=update, methods=["PATCH"])
    made.add_url_rule("/native", view_func=create, methods=["POST"])
    made.add_url_rule("/query", view_func=query, methods=["POST"])
    made.add_url_rule("/count", view_func=count, methods=["POST"])
    made.add_url_rule("/search", view_func=search, methods=["POST"])
    return made
