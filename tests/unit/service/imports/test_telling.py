"""The words of row errors: what the mode made of a value, never the value."""

from __future__ import annotations

import pytest

from shared.kernel.errors import FieldError
from shared.service.imports.spec import Column, ImportSpec, Key
from shared.service.imports.telling import Telling

VALUE = "ann@example.org"


def told(mode: str, error: FieldError) -> str:
    column = Column(index=0, attribute="email", header="E-mail")
    key = Key(column=0, attribute="email")
    spec = ImportSpec(type="contact", mode=mode, key=key, columns=(column,), header=("E-mail",))
    (one,) = Telling(spec, {"email": "email", "mail": "email"}).errors(2, {"mail": VALUE}, [error])
    assert VALUE not in one.message
    return one.message


@pytest.mark.parametrize("name", ["email", "mail"])
def test_the_mode_is_named_where_it_is_why(name: str):
    unfound = FieldError(name, "OBJECT_NOT_FOUND", f"contact not found: {VALUE}")
    exists = FieldError(name, "CONFLICT", "Contact already exists. Existing ID: 7")
    assert told("update", unfound) == "nothing has this E-mail, and the mode is update"
    assert told("create", exists) == "something has this E-mail already, and the mode is create"
    assert told("upsert", exists) == exists.message
    assert told("upsert", unfound) == "the value was refused"
