"""Whether answers are what the document says they are: every key is told of, and every value can be what it should."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from pydantic import BaseModel, ValidationError

from shared.service.web.operation import Operation


@cache
def declared(app: Flask) -> dict[str, Operation]:
    """The operations of a service by name."""
    return {one.name: one for one in app.extensions["crm.operations"]}


def untold(app: Flask, method: str, path: str, answer: Any) -> list[str]:
    """What an answer holds and its schema does not say, or says otherwise; nothing for what is no JSON."""
    if not 200 <= answer.status_code < 300 or not answer.is_json:
        return []
    name, _ = app.url_map.bind("localhost").match(urlsplit(path).path, method=method)
    model = declared(app)[name].response
    if model is None:
        return [f"{name} has no schema"] * path.startswith("/api/")
    return [f"{name}: {one}" for one in unlike(model, answer.json)]


def unlike(model: type[BaseModel], body: Any) -> list[str]:
    """The same of a body and a model."""
    try:
        found = model.model_validate(body)
    except ValidationError as problem:
        return [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in problem.errors()]
    return list(_more(body, found.model_dump(mode="json", by_alias=True, exclude_unset=True), ""))


def _more(body: Any, known: Any, where: str) -> Iterator[str]:
    if isinstance(body, dict) and isinstance(known, dict):
        for key, value in body.items():
            if key in known:
                yield from _more(value, known[key], f"{where}.{key}")
            else:
                yield f"{where}.{key} is not told of"
    elif isinstance(body, list) and isinstance(known, list):
        for one, other in zip(body, known, strict=True):
            yield from _more(one, other, f"{where}[]")
