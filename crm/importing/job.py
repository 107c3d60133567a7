"""The doors of imports as this command line uses them, and what their answers mean. Nothing is shown here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from crm.api import Api, path_of, results
from crm.importing.mapping import Plan, Proposal, Proposals
from crm.importing.options import BadOption

OUTCOMES = ("created", "updated", "unchanged", "rejected")
BUSY = frozenset({"uploading", "uploaded", "profiling", "checking", "running", "undoing", "canceling"})
"""States in which something is being done without anybody's doing."""


class Imports:
    """`/api/v1/imports` of one system."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def upload(self, path: Path, type_name: str) -> dict[str, Any]:
        """Send the file; the new import."""
        return dict(self._api.upload(path_of("imports"), path, {"type": type_name}))

    def get(self, ident: str) -> dict[str, Any]:
        """One import."""
        return dict(self._api.get(path_of("imports", ident)))

    def latest(self, **params: object) -> list[dict[str, Any]]:
        """The latest ones."""
        return results(self._api.get(path_of("imports"), **params))

    def profile(self, ident: str) -> dict[str, Any]:
        """What its columns hold, and the proposed mapping."""
        return dict(self._api.get(path_of("imports", ident, "profile")))

    def map(self, ident: str, plan: Plan) -> dict[str, Any]:
        """Lay down where everything goes."""
        body = {"spec": plan.spec, "attributes": list(plan.definitions.values())}
        return dict(self._api.put(path_of("imports", ident, "mapping"), body))

    def act(self, ident: str, verb: str) -> dict[str, Any]:
        """start, dry-run, pause, resume, cancel, undo."""
        return dict(self._api.post(path_of("imports", ident, verb), {}))

    def errors(self, ident: str, **params: object) -> list[dict[str, Any]]:
        """What was wrong with rows, the first ones."""
        return results(self._api.get(path_of("imports", ident, "errors"), **params))

    def error_file(self, ident: str) -> Iterator[bytes]:
        """The rejected rows with what was wrong, as CSV."""
        return self._api.fetch(path_of("imports", ident, "errors"), format="csv")

    def relation(self, start: str, end: str, label: str) -> int:
        """The id of the relation with that label, name or id. Raises BadOption naming those there are."""
        known = results(self._api.get(path_of("relations"), **{"from": start, "to": end}))
        wanted = label.casefold()
        for one in known:
            if wanted in (str(one["id"]), str(one["name"]).casefold(), str(one.get("label") or "").casefold()):
                return int(one["id"])
        labels = ", ".join(str(one["label"]) for one in known if one.get("label"))
        raise BadOption(f"links from {start} to {end} have no label {label!r}{f': {labels}' if labels else ''}")


def proposals(profile: Mapping[str, Any]) -> Proposals:
    """The proposed mapping of a profile."""
    proposed = profile["proposal"]
    matched = {one["column"]: one for one in proposed.get("matches", ())}
    made = {one["column"]: one["attribute"] for one in proposed.get("new", ())}
    columns = tuple(
        Proposal(
            one["index"],
            one["header"],
            matched.get(one["index"], {}).get("attribute"),
            one.get("date_format"),
            one.get("decimal"),
            made.get(one["index"]),
        )
        for one in profile["columns"]
    )
    key = (proposed.get("key") or {}).get("column")
    return Proposals(columns, key, proposed.get("id_column"), tuple(proposed.get("blanks", ())))


def counts(body: Mapping[str, Any]) -> dict[str, int]:
    """Rows by outcome."""
    found = body.get("counts") or {}
    return {name: int(found.get(name, 0)) for name in OUTCOMES}
