"""Attributes of every kind and raw values for them: ordinary, alike but not equal, at the edges of what is stored."""

from __future__ import annotations

from shared.eav.declare import AttributeDef, OptionDef, TypeDef
from shared.eav.types import KINDS

# 160 characters in common: beyond them slots hold a hash, so that only equality tells the two apart.
LONG = "Überlänge " * 17
OPTIONS = (
    OptionDef("new", "New"),
    OptionDef("in_progress", "In progress"),
    OptionDef("done", "Done"),
    OptionDef("预计", "预计收入"),
    OptionDef("50%_off", "Half price"),
)
TEXTS: tuple[object, ...] = (
    "Anna",
    "anna",
    "Anna Müller",
    "MÜLLER anna",
    "Mu\u0308ller",
    "Straße 7",
    "STRASSE 7",
    "İstanbul",
    "istanbul",
    "ISPARTA",
    "ısparta",
    "预计收入 2024",
    "收入",
    "مرحبا بالعالم",
    "👩‍💻 done ✅",
    "100% _sure_ \\ yes",
    "100x xsurex yes",
    "ﬁne ½ Ⅷ",
    " leading and trailing ",
    "\tTab\nand line",
    "a",
    "zzz",
    f"{LONG}one",
    f"{LONG}two",
    f"{LONG.upper()}ONE",
    12.5,
    True,
)
RAW: dict[str, tuple[object, ...]] = {
    "string": TEXTS,
    "long_text": (*TEXTS, "word " * 100),
    "phone": ("+49 (30) 123-4567", "+49301234567", "5551234", "555-1234", "ext. 7", "١٢٣"),
    "url": ("https://Example.com/Ä?q=1", "https://example.com/ä?q=1", "example.com", "http://例え.jp/x"),
    "email": (
        "anna@example.com",
        "Anna@Example.COM",
        "bob.o'neil@mail.example.com",
        "jürgen@müller.example",
        "info@例え.jp",
        "x@y.test",
    ),
    "number": (
        0,
        "-0.0",
        1,
        "1.50",
        1.5,
        -1,
        "0.000000000000000001",
        "-0.000000000000000001",
        10**37,
        -(10**38) + 1,
        "99999999999999999999999999999999999999.999999999999999999",
        "1e3",
        1000,
    ),
    "boolean": (True, False, "TRUE", "false"),
    "date": ("0001-01-01", "9999-12-31", "1969-12-31", "1970-01-01", "2024-02-29", 1709164800000, "2024-03-01"),
    "datetime": (
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999Z",
        "1970-01-01T00:00:00Z",
        -1,
        "2024-02-29T12:00:00.001Z",
        "2024-02-29T13:00:00.001+01:00",
        "2024-02-29T12:00:00.0019Z",
        "2024-02-29",
    ),
    "enumeration": ("new", "In Progress", "done", "预计", "50%_off"),
    "multi_enumeration": (["new"], ["done", "new"], "new;done", ["预计", "50%_off", "in_progress"], "done"),
    "reference": (1, "42", 2**63 - 1, 2**31, 2**53 + 1),
}
# Operands that no value was made of: neighbours, parts, things nobody has.
OPERANDS: dict[str, tuple[object, ...]] = {
    "string": ("ann", "müller", "ß", "收", "%", "_", "\\", LONG, f"{LONG}three", "x", "\U0010ffff", " "),
    "long_text": ("müller", "word", "收", "done"),
    "phone": ("+49", "555", "1234567"),
    "url": ("https://", "EXAMPLE.com"),
    "email": ("anna", "ANNA@example.com", "@example.com", "z"),
    "number": ("0.5", -2, 10**30, "1.500000000000000001"),
    "boolean": (),
    "date": ("2024-02-29T12:00:00Z", "2000-01-01", 0),
    "datetime": ("2024-02-29T12:00:00.002Z", 0, "2000-01-01"),
    "enumeration": (),
    "multi_enumeration": ("new", "done", "预计"),
    "reference": (0, 7, 2**40),
}
TOKENS = (
    "anna",
    "Müller",
    "mu*",
    "*ller",
    "*nn*",
    "a*a",
    "strasse 7",
    "straße*",
    "收入",
    "收",
    "مرحبا",
    "👩‍💻",
    "✅",
    "*",
    "100",
    "_sure_",
    "x*x",
    "word word",
    "example",
    "*@example.com",
    "anna@*",
    "123*",
    "*4567",
    "5551234",
    "überlänge one",
    "überlänge two",
    "zzz zzz",
)
SYSTEM = (
    AttributeDef("id", "Id", "reference", wire_name="object_id", column="id", read_only=True, default=True),
    AttributeDef("created_at", "Created", "datetime", column="created_at", read_only=True, default=True),
    AttributeDef("updated_at", "Changed", "datetime", column="updated_at", read_only=True, default=True),
)


def attribute(name: str, kind: str, **more: object) -> AttributeDef:
    """An attribute of a kind, with options where the kind has any. Its wire name differs from its own."""
    given: dict[str, object] = {"wire_name": f"{name}_w", **more}
    if "enumeration" in kind:
        given.setdefault("options", OPTIONS)
    return AttributeDef(name, f"The {name}", kind, **given)  # type: ignore[arg-type]


def every_kind() -> tuple[AttributeDef, ...]:
    """One attribute of each kind, named after it; all that can be are looked at by free text."""
    return tuple(attribute(kind, kind, searchable=True) for kind in KINDS)


def entity_type(name: str, *attributes: AttributeDef, pool: tuple[int, int, int, int] = (8, 8, 4, 4)) -> TypeDef:
    """An entity type with the system attributes and these."""
    return TypeDef(name, f"{name}s", name.title(), f"{name.title()}s", attributes=(*SYSTEM, *attributes), pool=pool)
