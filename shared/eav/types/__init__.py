"""The registry of kinds of attributes. Only here is it known what a kind is; everybody else asks `kind_of`.

Not for what single entity types require of their values: that is a rule of the service that owns them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from shared.eav.declare import AttributeDef
from shared.eav.types.boolean import BooleanType
from shared.eav.types.email import EmailType
from shared.eav.types.kind import AttributeType
from shared.eav.types.moment import DatetimeType, DateType
from shared.eav.types.number import NumberType
from shared.eav.types.operators import Operator
from shared.eav.types.option import EnumerationType, MultiEnumerationType
from shared.eav.types.problem import ValueProblem
from shared.eav.types.reference import ReferenceType
from shared.eav.types.text import LongTextType, PhoneType, StringType, UrlType

__all__ = ["KINDS", "AttributeType", "Operator", "ValueProblem", "kind_of"]

KINDS: Mapping[str, AttributeType] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            StringType(),
            LongTextType(),
            NumberType(),
            BooleanType(),
            DateType(),
            DatetimeType(),
            EnumerationType(),
            MultiEnumerationType(),
            EmailType(),
            PhoneType(),
            UrlType(),
            ReferenceType(),
        )
    }
)


def kind_of(attribute: AttributeDef) -> AttributeType:
    """The kind's one instance; KeyError for a kind that does not exist."""
    return KINDS[attribute.kind]
