"""Filter tokens read into a tree by recursive descent."""

from __future__ import annotations

from crm.filter_language.tokens import KEYWORDS, FilterError, Token, tokens
from crm.filter_language.tree import COMPARISONS, All, AnyOf, Condition, Node, Not

DEEPEST = 40  # the API refuses bodies nested deeper than 64, and each level here may cost one list and one map


def parse(text: str) -> Node:
    """The tree of a filter text; raises FilterError, pointing at the first wrong place."""
    parser = _Parser(text, tokens(text))
    node = parser.expression(0)
    parser.finish()
    return node


class _Parser:
    """Recursive descent over tokens; one method per line of the grammar."""

    def __init__(self, text: str, pieces: list[Token]) -> None:
        self._text = text
        self._tokens = pieces
        self._at = 0

    def expression(self, depth: int) -> Node:
        """Parts joined by `or`, each of parts joined by `and`."""
        if depth > DEEPEST:
            raise self._error(f"nested deeper than {DEEPEST} levels")
        parts = [self._both(depth)]
        while self._take("or"):
            parts.append(self._both(depth))
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def finish(self) -> None:
        """Refuse anything left over."""
        token = self._next
        if token.kind == "end":
            return
        hint = ""
        if token.kind in ("word", "quoted") and self._at and self._tokens[self._at - 1].kind in ("word", "quoted"):
            hint = "; a value of several words needs quotes"
        raise self._error(f"{token} is one too many: expected 'and', 'or' or the end{hint}")

    def _both(self, depth: int) -> Node:
        parts = [self._one(depth)]
        while self._take("and"):
            parts.append(self._one(depth))
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _one(self, depth: int) -> Node:
        if depth > DEEPEST:
            raise self._error(f"nested deeper than {DEEPEST} levels")
        if self._take("not"):
            return Not(self._one(depth + 1))
        if self._take_symbol("("):
            node = self.expression(depth + 1)
            self._need(")")
            return node
        return self._condition()

    def _condition(self) -> Condition:
        name = self._next
        if name.kind not in ("word", "quoted") or name.is_word(*KEYWORDS):
            raise self._error(f"expected the name of an attribute, not {name}")
        self._at += 1
        operator, values = self._comparison()
        return Condition(name.text, operator, values, name.column)

    def _comparison(self) -> tuple[str, tuple[str, ...]]:
        token = self._next
        if token.kind == "symbol" and token.text in COMPARISONS:
            self._at += 1
            return COMPARISONS[token.text], (self._value(),)
        if self._take("is"):
            negated = self._take("not")
            self._need("set")
            return ("NOT_HAS_PROPERTY" if negated else "HAS_PROPERTY"), ()
        if self._take("between"):
            low = self._value()
            self._need("and")
            return "BETWEEN", (low, self._value())
        if self._take("starts"):
            self._need("with")
            return "STARTS_WITH", (self._value(),)
        prefix = "NOT_" if self._take("not") else ""
        if self._take("in"):
            return f"{prefix}IN", self._list()
        if self._take("contains"):
            return f"{prefix}CONTAINS_TOKEN", (self._value(),)
        expected = (
            "'in' or 'contains'" if prefix else "= != < <= > >= in, not in, between, is set, contains, starts with"
        )
        raise self._error(f"expected {expected}, not {self._next}")

    def _list(self) -> tuple[str, ...]:
        self._need("(")
        values = [self._value()]
        while self._take_symbol(","):
            values.append(self._value())
        self._need(")")
        return tuple(values)

    def _value(self) -> str:
        token = self._next
        if token.kind not in ("word", "quoted"):
            raise self._error(f"expected a value, not {token}")
        if token.is_word(*KEYWORDS):
            raise self._error(f"expected a value; if {token} is meant, put it in quotes")
        self._at += 1
        return token.text

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self, word: str) -> bool:
        found = self._next.is_word(word)
        self._at += found
        return found

    def _take_symbol(self, symbol: str) -> bool:
        found = self._next.kind == "symbol" and self._next.text == symbol
        self._at += found
        return found

    def _need(self, what: str) -> None:
        if not (self._take_symbol(what) or self._take(what)):
            raise self._error(f"expected {what!r}, not {self._next}")

    def _error(self, message: str) -> FilterError:
        return FilterError(message, self._text, self._next.column)
