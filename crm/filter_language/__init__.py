"""The small language of `crm find`: `score > 50 and city in (北京, "New York")` read into the API's filter.

Pure: text in, tree out; nothing here knows attributes of a type (the caller hands in how a name is resolved) or the
network. Use it for what people type; programs send the filter JSON of the API itself.

    expression := both ("or" both)*         both := one ("and" one)*
    one        := "not" one | "(" expression ")" | condition
    condition  := name ( = != < <= > >= value | [not] in (value, ..) | between value and value
                       | is [not] set | [not] contains word* | starts with value )

Names and values are words (any script) or quoted; quotes make a keyword, a space or a bracket an ordinary character.
"""

from crm.filter_language.parser import parse
from crm.filter_language.tokens import FilterError
from crm.filter_language.tree import All, AnyOf, Condition, Node, Not, filter_json, filter_text, names

__all__ = ["All", "AnyOf", "Condition", "FilterError", "Node", "Not", "filter_json", "filter_text", "names", "parse"]
