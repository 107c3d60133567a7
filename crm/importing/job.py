"""The doors of imports as this command line uses them, and what their answers mean. Nothing is shown here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from crm.api import Api, path_of, results
from crm.importing.mapping import Plan, Proposal, Proposals
from crm.importing.options import BadOption, LinkOption, Options

OUTCOMES = ("created", "updated", "unchanged", "rejected")
BUSY = frozenset({"uploading", "reading", "checking", "running", "canceling", "undoing"})
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
        return dict(self._api.put(path_of("imports", ident, "mapping"), plan.mapping))

    def act(self, ident: str, verb: str) -> dict[str, Any]:
        """start, dry-run, pause, resume, cancel, undo."""
        return dict(self._api.post(path_of("imports", ident, verb), {}))

    def errors(self, ident: str, **params: object) -> list[dict[str, Any]]:
        """What was wrong with rows, the first ones."""
        return results(self._api.get(path_of("imports", ident, "errors"), **params))

    def samples(self, ident: str) -> list[dict[str, Any]]:
        """What a dry run foresees for some rows."""
        return results(self._api.get(path_of("imports", ident, "samples")))

    def kept(self, ident: str) -> list[dict[str, Any]]:
        """Everything that an undo left alone."""
        found: list[dict[str, Any]] = []
        after: dict[str, object] = {}
        while True:
            page = self._api.get(path_of("imports", ident, "kept"), limit=1000, **after)
            found += results(page)
            if not page.get("next_after"):
                return found
            after = {"after": page["next_after"]}

    def error_file(self, ident: str) -> Iterator[bytes]:
        """The rejected rows with what was wrong, as CSV."""
        return self._api.fetch(path_of("imports", ident, "errors"), format="csv")

    def relation(self, start: str, end: str, label: str) -> int:
        """The id of the relation with that id, name or label, or the only one whose label begins so ("parent").

        Raises BadOption naming those there are.
        """
        known = results(self._api.get(path_of("relations"), **{"from": start, "to": end}))
        wanted = label.casefold()
        for one in known:
            if wanted in (str(one["id"]), str(one["name"]).casefold(), str(one.get("label") or "").casefold()):
                return int(one["id"])
        alike = [one for one in known if str(one.get("label") or "").casefold().startswith(wanted)]
        if len(alike) == 1:
            return int(alike[0]["id"])
        labels = ", ".join(str(one["label"]) for one in known if one.get("label"))
        raise BadOption(f"links from {start} to {end} have no label {label!r}{f': {labels}' if labels else ''}")


def proposals(profile: Mapping[str, Any]) -> Proposals:
    """The proposed mapping of a profile."""
    proposed = profile["proposal"]
    filled = {one["column"]: one for one in proposed["columns"]}
    made = {one["name"]: one for one in proposed["create_attributes"]}
    why = {one["column"]: one["why"] for one in profile["explained"]}
    places = {one["header"]: one["index"] for one in profile["columns"]}
    columns = []
    for one in profile["columns"]:
        header = one["header"]
        filling = filled.get(header, {})
        name = filling.get("attribute")
        forms = {key: filling[key] for key in ("date_format", "decimal", "values") if filling.get(key)}
        forms.setdefault("date_format", one["date_format"])
        new = made.get(name) if name else None
        told = why.get(header, "")
        columns.append(Proposal(one["index"], header, None if new else name, definition=new, why=told, **forms))
    key = (proposed["key"] or {}).get("column")
    return Proposals(columns, places.get(key), places.get(proposed["id_column"]), tuple(proposed["blanks"]))


def kept(profile: Mapping[str, Any]) -> Options:
    """Links as they are exported, and those and dates of the last file with these columns; never what was wanted of
    that run (mode, set, blanks)."""
    proposed = profile["proposal"]
    return Options(
        links=tuple(
            LinkOption(one["column"], one["type"], one["attribute"], str(one.get("relation") or ""))
            for one in proposed["links"]
        ),
        effective_at=((proposed["effective_at"] if profile["remembered"] else None) or {}).get("column", ""),
    )


def part(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """How the phase it is in goes: rows, done, seconds; empty before there is one."""
    return body.get(body.get("phase") or "") or {}


def counts(body: Mapping[str, Any]) -> dict[str, int]:
    """Rows of the phase it is in, by outcome."""
    found = part(body)
    return {name: int(found.get(name, 0)) for name in OUTCOMES}
