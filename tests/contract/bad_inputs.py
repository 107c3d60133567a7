"""Bad requests and what has to come back for each: data of `test_bad_input.py`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

CONTACTS = "/crm/v3/objects/contacts"
SEARCH = f"{CONTACTS}/search"
PROPERTIES = "/crm/v3/properties/contacts"
SCHEMAS = "/crm/v3/schemas"
HUGE = "9" * 400
INJECTION = "x'; DROP TABLE eav_type; --"


@dataclass(frozen=True)
class Case:
    """A request and what has to come back: status, category, and codes that must be among the errors."""

    method: str
    path: str
    body: Any = None
    status: int = 400
    category: str = "VALIDATION_ERROR"
    codes: tuple[str, ...] = ()
    raw: bytes | None = None
    kind: str = "application/json"

    def __str__(self) -> str:
        sent = self.raw if self.raw is not None else json.dumps(self.body)
        return f"{self.method} {self.path} {sent!r}"[:110]


def write(value: Any, name: str = "firstname", *codes: str) -> Case:
    return Case("POST", CONTACTS, {"properties": {name: value}}, codes=codes)


def raw(sent: bytes | str, kind: str = "application/json", path: str = CONTACTS, **more: Any) -> Case:
    return Case("POST", path, raw=sent.encode() if isinstance(sent, str) else sent, kind=kind, **more)


def search(**body: Any) -> Case:
    codes = body.pop("codes", ())
    return Case("POST", SEARCH, body, codes=codes)


def where(name: str, operator: Any, codes: tuple[str, ...] = (), **more: Any) -> Case:
    return search(filters=[{"propertyName": name, "operator": operator, **more}], codes=codes)


def unknown(method: str, path: str, body: Any = None, status: int = 404) -> Case:
    return Case(method, path, body, status, "OBJECT_NOT_FOUND")


def define(*codes: str, **body: Any) -> Case:
    good = {"name": "bad_input", "label": "L", "type": "string", "fieldType": "text", "groupName": "contactinformation"}
    return Case("POST", PROPERTIES, {**good, **body}, codes=codes)


VALUES = [
    write({"a": 1}),
    write([1, 2]),
    write("x" * 70_000),
    write("no address", "email", "INVALID_EMAIL"),
    write("a@b@c", "email", "INVALID_EMAIL"),
    write("a@" + "b" * 300 + ".org", "email", "INVALID_EMAIL"),
    write(5, "email", "INVALID_EMAIL"),
    write("nothing", "lifecyclestage", "INVALID_OPTION"),
    write(["lead"], "lifecyclestage"),
    write(INJECTION, "lifecyclestage", "INVALID_OPTION"),
    write("soon", "closedate", "INVALID_LONG"),
    write("2024-13-45", "closedate"),
    write("2024-02-30T00:00:00Z", "closedate"),
    write(10**25, "closedate"),
    write(HUGE, "closedate"),
    write("yes please", "hs_email_optout"),
    write(2, "hs_email_optout"),
    write("abc", "associatedcompanyid"),
    write("-1", "associatedcompanyid"),
    write(HUGE, "associatedcompanyid"),
    write(1.5, "associatedcompanyid"),
    write("1", "no_such_property", "PROPERTY_DOESNT_EXIST"),
    write("1", INJECTION, "PROPERTY_DOESNT_EXIST"),
    write("1", "предложение", "PROPERTY_DOESNT_EXIST"),
    write("1", "", "PROPERTY_DOESNT_EXIST"),
    write("1", "n" * 5000, "PROPERTY_DOESNT_EXIST"),
    write("1", "__class__", "PROPERTY_DOESNT_EXIST"),
    write("1", "hs_object_id", "READ_ONLY_VALUE"),
    write("2024-01-01", "createdate", "READ_ONLY_VALUE"),
    write(None, "hs_object_id"),
]
BODIES = [
    raw("{"),
    raw("nonsense"),
    raw("[]"),
    raw('"text"'),
    raw("1"),
    raw("null"),
    raw('{"properties": {"firstname": "\\u0000"}}'),
    raw('{"properties": {"firstname": "\\ud800"}}'),
    raw(b'{"properties": {"firstname": "\xff"}}'),
    raw('{"properties": {"annualrevenue": NaN}}'),
    raw('{"properties": {"annualrevenue": Infinity}}'),
    raw('{"properties": {}'),
    raw("\N{ZERO WIDTH NO-BREAK SPACE}{}"),
    raw('{"a":' * 100_000 + "1" + "}" * 100_000),
    raw('{"properties":' + "[" * 1000 + "]" * 1000 + "}"),
    raw("firstname=Ada", "application/x-www-form-urlencoded", status=415, category="UNSUPPORTED_MEDIA_TYPE"),
    raw("<a/>", "application/xml", status=415, category="UNSUPPORTED_MEDIA_TYPE"),
    raw('{"x": "' + "x" * (11 * 1024 * 1024) + '"}', status=413, category="PAYLOAD_TOO_LARGE"),
    Case("POST", CONTACTS, {"properties": []}),
    Case("POST", CONTACTS, {"properties": "x"}),
    Case("POST", CONTACTS, {"properties": {}, "associations": "x"}),
    Case("PATCH", f"{CONTACTS}/1", {"properties": 7}),
]
SEARCHES = [
    where("no_such_property", "EQ", value="1", codes=("PROPERTY_DOESNT_EXIST",)),
    where(INJECTION, "EQ", value="1", codes=("PROPERTY_DOESNT_EXIST",)),
    where("firstname", "LIKE", value="1", codes=("INVALID_OPERATOR",)),
    where("firstname", INJECTION, value="1"),
    where("firstname", {"a": 1}, value="1"),
    where("firstname", "EQ"),
    where("firstname", "EQ", value=""),
    where("firstname", "EQ", value=["a"]),
    where("firstname", "IN", values="a"),
    where("firstname", "IN", values=[]),
    where("firstname", "IN", values=[None]),
    where("firstname", "IN", values=["x"] * 20_000),
    where("firstname", "BETWEEN", value="a"),
    where("closedate", "GT", value="soon"),
    where("closedate", "GT", value=10**30),
    where("hs_email_optout", "EQ", value="perhaps"),
    where("hs_email_optout", "GT", value="true"),
    where("message", "EQ", value="x"),
    where("associations.company", "EQ", value="x"),
    where("associations.nothing", "EQ", codes=("PROPERTY_DOESNT_EXIST",), value="1"),
    search(filterGroups="x"),
    search(filterGroups=[{"filters": [{}]}]),
    search(filterGroups=[{"filters": []}] * 11),
    search(filters=[{"propertyName": "firstname", "operator": "HAS_PROPERTY"}] * 26),
    search(limit=201),
    search(limit=-1),
    search(limit="ten"),
    search(limit=10**30),
    search(after="-1"),
    search(after=INJECTION),
    search(after=HUGE),
    search(after=10**18),
    search(sorts=["no_such_property"], codes=("PROPERTY_DOESNT_EXIST",)),
    search(sorts=[INJECTION]),
    search(sorts=[{"propertyName": "firstname", "direction": "SIDEWAYS"}]),
    search(sorts=["firstname"] * 100),
    search(sorts={"a": 1}),
    search(query={"a": 1}),
    search(query="x" * 3001),
    search(properties="firstname"),
]
ADDRESSES = [
    unknown("GET", f"{CONTACTS}/abc"),
    unknown("GET", f"{CONTACTS}/-1"),
    unknown("GET", f"{CONTACTS}/0"),
    unknown("GET", f"{CONTACTS}/{2**63}"),
    unknown("GET", f"{CONTACTS}/{HUGE}"),
    unknown("GET", f"{CONTACTS}/{quote(INJECTION)}"),
    unknown("GET", f"{CONTACTS}/{quote('١٢٣')}"),
    unknown("GET", f"{CONTACTS}/nobody%40example.org?idProperty=email"),
    unknown("GET", f"{CONTACTS}/{quote(INJECTION)}?idProperty=email"),
    unknown("GET", f"{CONTACTS}/%F0%28%8C?idProperty=email"),
    unknown("PATCH", f"{CONTACTS}/{HUGE}", {"properties": {}}),
    unknown("PATCH", f"{CONTACTS}/999999999", {"properties": {}}),
    unknown("GET", "/crm/v3/objects/spaceships"),
    unknown("GET", f"/crm/v3/objects/{quote(INJECTION)}"),
    unknown("GET", f"/crm/v3/objects/{quote('../../etc/passwd', safe='')}"),
    unknown("POST", "/crm/v3/objects/spaceships/search", {}),
    unknown("POST", "/crm/v3/objects/spaceships/batch/read", {"inputs": [{"id": "1"}]}),
    unknown("GET", "/crm/v3/nothing"),
    unknown("GET", "/wp-login.php"),
    Case("GET", f"{CONTACTS}/1?idProperty=no_such_property"),
    Case("GET", f"{CONTACTS}/1?idProperty=firstname"),
    Case("GET", f"{CONTACTS}?limit=101"),
    Case("GET", f"{CONTACTS}?limit=0"),
    Case("GET", f"{CONTACTS}?limit=1e3"),
    Case("GET", f"{CONTACTS}?limit=51&propertiesWithHistory=email"),
    Case("GET", f"{CONTACTS}?after=x"),
    Case("GET", f"{CONTACTS}?after={quote(INJECTION)}"),
    Case("GET", f"{CONTACTS}?after={HUGE}"),
    Case("GET", f"{CONTACTS}?archived=perhaps"),
    Case("GET", f"{CONTACTS}/a%00b?idProperty=email"),
    Case("GET", f"{CONTACTS}?properties=%00"),
    Case("PUT", CONTACTS, {}, 405, "METHOD_NOT_ALLOWED"),
    Case("DELETE", CONTACTS, None, 405, "METHOD_NOT_ALLOWED"),
]
BATCHES = [
    Case("POST", f"{CONTACTS}/batch/{operation}", body)
    for operation in ("create", "read", "update", "upsert", "archive")
    for body in ({}, {"inputs": None}, {"inputs": "x"}, {"inputs": [1]}, {"inputs": [{}] * 101})
] + [
    Case("POST", f"{CONTACTS}/batch/update", {"inputs": [{"id": "1", "properties": {}}, {"id": 1, "properties": {}}]}),
    Case("POST", f"{CONTACTS}/batch/read", {"inputs": [{"id": "a"}], "idProperty": "firstname"}),
    Case("POST", f"{CONTACTS}/batch/read", {"inputs": [{"id": "a"}], "properties": {"a": 1}}),
    Case("POST", f"{CONTACTS}/batch/read", {"inputs": [{"id": {"a": 1}}]}),
    Case("POST", f"{CONTACTS}/batch/upsert", {"inputs": [{"id": "a", "idProperty": "city", "properties": {}}]}),
    Case("POST", f"{CONTACTS}/batch/upsert", {"inputs": [{"id": "a", "idProperty": "email", "properties": {}}]}),
    Case("POST", f"{CONTACTS}/batch/create", {"inputs": [{"properties": {"email": "no address"}}]}),
    Case("POST", f"{CONTACTS}/batch/nothing", {}, 405, "METHOD_NOT_ALLOWED"),
]
DEFINITIONS = [
    define("REQUIRED_FIELD", name=None),
    define("INVALID_NAME", name="Größe"),
    define("INVALID_NAME", name=INJECTION),
    define("INVALID_NAME", name="x" * 101),
    define(name=["a"]),
    define(name={"a": 1}),
    define("INVALID_OPTION", type="json"),
    define("INVALID_FIELD_TYPE", type="number", fieldType="select"),
    define("NOT_AVAILABLE", fieldType="calculation_equation", calculationFormula="1+1"),
    define(groupName="no_such_group"),
    define(groupName=INJECTION),
    define("DUPLICATE_OPTION", type="enumeration", fieldType="select", options=[{"value": "a"}, {"value": "a"}]),
    define(type="enumeration", fieldType="select", options="a"),
    define(type="enumeration", fieldType="select", options=[{"value": ["a"]}]),
    define(displayOrder=10**12),
    define(type="enumeration", fieldType="checkbox", hasUniqueValue=True),
    Case("POST", PROPERTIES, {}, codes=("REQUIRED_FIELD",)),
    Case("POST", PROPERTIES, {"name": "email", "label": "E", "type": "string", "fieldType": "text",
                              "groupName": "contactinformation"}, 409, "OBJECT_ALREADY_EXISTS"),
    unknown("GET", f"{PROPERTIES}/no_such_property"),
    unknown("GET", f"{PROPERTIES}/{quote(INJECTION)}"),
    unknown("PATCH", f"{PROPERTIES}/no_such_property", {"label": "x"}),
    unknown("DELETE", f"{PROPERTIES}/no_such_property"),
    unknown("GET", "/crm/v3/properties/spaceships"),
    Case("PATCH", f"{PROPERTIES}/city", {"label": ""}),
    Case("PATCH", f"{PROPERTIES}/city", {"label": {"a": 1}}),
    Case("PATCH", f"{PROPERTIES}/city", {"groupName": "no_such_group"}),
    Case("PATCH", f"{PROPERTIES}/city", {"type": "json"}),
    Case("DELETE", f"{PROPERTIES}/email"),
    Case("POST", f"{PROPERTIES}/batch/read", {"inputs": [{"name": {}}]}),
    Case("POST", f"{PROPERTIES}/groups", {"name": "A b", "label": "x"}, codes=("INVALID_NAME",)),
    Case("POST", f"{PROPERTIES}/groups", {"name": "a"}, codes=("REQUIRED_FIELD",)),
    Case("POST", f"{PROPERTIES}/groups", {"name": "contactinformation", "label": "x"}, 409, "OBJECT_ALREADY_EXISTS"),
    unknown("GET", f"{PROPERTIES}/groups/no_such_group"),
    unknown("PATCH", f"{PROPERTIES}/groups/no_such_group", {"label": "x"}),
    unknown("DELETE", f"{PROPERTIES}/groups/no_such_group"),
    Case("POST", SCHEMAS, {}, codes=("REQUIRED_FIELD",)),
    Case("POST", SCHEMAS, {"name": INJECTION, "labels": {"singular": "x", "plural": "x"}}, codes=("INVALID_NAME",)),
    Case("POST", SCHEMAS, {"name": "x", "labels": "x"}),
    Case("POST", SCHEMAS, {"name": "x", "labels": {"singular": "x"}, "requiredProperties": ["nothing"]},
         codes=("PROPERTY_DOESNT_EXIST",)),
    Case("POST", SCHEMAS, {"name": "owner", "labels": {"singular": "x"}}, 409, "OBJECT_ALREADY_EXISTS"),
    unknown("GET", f"{SCHEMAS}/spaceships"),
    unknown("PATCH", f"{SCHEMAS}/spaceships", {}),
    unknown("DELETE", f"{SCHEMAS}/spaceships"),
    unknown("GET", "/crm/v3/owners/abc"),
    unknown("GET", f"/crm/v3/owners/{HUGE}"),
    Case("GET", "/crm/v3/owners?limit=501"),
    Case("GET", "/crm/v3/owners?after=x"),
    Case("GET", "/crm/v3/owners/1?idProperty=email"),
]  # fmt: skip
CASES = [*VALUES, *BODIES, *SEARCHES, *ADDRESSES, *BATCHES, *DEFINITIONS]
