"""Texts with variables, such as `Dear {{ requester.first_name | default("customer") }}`, rendered in a sandbox.

Only what fills in a text is allowed: variables, `{% if %}`, comparisons and a few filters. There are no loops, calls or
arithmetic, so that rendering takes as long as its text; what comes out is limited too. Variables are plain texts: of
an unknown one a draft is told by name, a missing value is nothing. Not for HTML: nothing is escaped.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from functools import lru_cache

from jinja2 import Template, TemplateError, TemplateSyntaxError, UndefinedError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from shared.kernel.errors import FieldError, Invalid

MOST_SOURCE = 20_000
MOST_TEXT = 60_000
_FILTERS = ("default", "d", "upper", "lower", "capitalize", "title", "trim", "truncate")
_TESTS = ("defined", "none")
_ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Getattr, nodes.Getitem, nodes.Filter,
    nodes.If, nodes.CondExpr, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Const, nodes.Test,
    nodes.Keyword,
)  # fmt: skip
_FAULTS = (TemplateError, TypeError, ValueError, AssertionError, ArithmeticError, LookupError)
"""What filters raise for arguments that they cannot take."""
Vocabulary = Mapping[str, Collection[str]]
"""What variables there are: {"ticket": {"subject", ...}}."""
Words = Mapping[str, Mapping[str, str]]


def _environment() -> ImmutableSandboxedEnvironment:
    made = ImmutableSandboxedEnvironment(autoescape=False, keep_trailing_newline=True)
    made.globals.clear()
    made.filters = {name: made.filters[name] for name in _FILTERS}
    made.tests = {name: made.tests[name] for name in _TESTS}
    return made


_SANDBOX = _environment()


def problems(source: object, known: Vocabulary, where: str) -> list[FieldError]:
    """Everything wrong with a text, named by `where`."""
    if not isinstance(source, str) or not source.strip():
        return [FieldError(where, "REQUIRED_FIELD", f"{where} must be a text")]
    if len(source) > MOST_SOURCE:
        return [FieldError(where, "LIMIT_EXCEEDED", f"{where} has at most {MOST_SOURCE:,} characters")]
    try:
        tree = _SANDBOX.parse(source)
    except (TemplateSyntaxError, RecursionError) as error:
        line = getattr(error, "lineno", 1)
        said = getattr(error, "message", None) or "nested too deeply"
        return [FieldError(where, "INVALID_TEMPLATE", f"{where}, line {line}: {said}")]
    found = [_refused(node, where) for node in tree.find_all(nodes.Node) if not _allowed(node)]
    found = found or [one for path in _paths(tree) for one in _unknown(path, known, where)]
    return found or _tried(source, known, where)


def rendered(source: str, words: Words) -> str:
    """The text with its variables filled in; a value that is missing is nothing. Raises Invalid."""
    parts, size = [], 0
    try:
        for part in _compiled(source).generate(**words):
            size += len(part)
            if size > MOST_TEXT:
                message = f"the text comes to more than {MOST_TEXT:,} characters"
                raise Invalid.one("text", "LIMIT_EXCEEDED", message)
            parts.append(part)
    except _FAULTS as error:
        message = f"the text cannot be filled in: {_said(error)}"
        raise Invalid.one("text", "INVALID_TEMPLATE", message) from None
    return "".join(parts)


def uses(source: str, root: str) -> bool:
    """Whether a text that has no problems asks for a variable of this root."""
    return any(path[0] == root for path in _paths(_SANDBOX.parse(source)))


def _said(error: Exception) -> str:
    """What went wrong, in words that know nothing of the language this is written in."""
    if isinstance(error, UndefinedError):
        return "it asks for a variable that is not there"
    if isinstance(error, TypeError):
        return "variables are texts: they cannot be compared with numbers, and filters take what fits them only"
    return "a filter is given what it cannot take, such as truncate a length below 3"


def _tried(source: str, known: Vocabulary, where: str) -> list[FieldError]:
    """What cannot be filled in whatever the values are, such as a filter with too small a number."""
    try:
        rendered(source, {root: dict.fromkeys(names, "") for root, names in known.items()})
    except Invalid as refused:
        return [FieldError(where, one.code, f"{where}: {one.message}") for one in refused.errors]
    return []


@lru_cache(maxsize=256)
def _compiled(source: str) -> Template:
    return _SANDBOX.from_string(source)


def _allowed(node: nodes.Node) -> bool:
    if isinstance(node, nodes.Getitem):
        return isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str)
    if isinstance(node, nodes.Filter):
        return node.name in _FILTERS and node.node is not None and not node.dyn_args and not node.dyn_kwargs
    if isinstance(node, nodes.Test):
        return node.name in _TESTS
    return isinstance(node, _ALLOWED)


def _refused(node: nodes.Node, where: str) -> FieldError:
    what = f"the filter {node.name}" if isinstance(node, nodes.Filter) else type(node).__name__.lower()
    message = f"{where}, line {node.lineno}: {what} is not for such texts: use variables, if, and {', '.join(_FILTERS)}"
    return FieldError(where, "INVALID_TEMPLATE", message)


def _paths(tree: nodes.Node) -> Iterator[tuple[str, ...]]:
    """Every variable, as the names on the way to it; each once."""
    inner: set[int] = set()
    seen = set()
    for node in tree.find_all((nodes.Getattr, nodes.Getitem, nodes.Name)):
        if id(node) in inner:
            continue
        path: list[str] = []
        step: nodes.Node = node
        while isinstance(step, nodes.Getattr | nodes.Getitem):
            path.insert(0, step.attr if isinstance(step, nodes.Getattr) else str(getattr(step.arg, "value", "")))
            step = step.node
            inner.add(id(step))
        if isinstance(step, nodes.Name):
            seen.add((step.name, *path))
    yield from sorted(seen)


def _unknown(path: tuple[str, ...], known: Vocabulary, where: str) -> list[FieldError]:
    shown = ".".join(path)
    if len(path) == 2 and path[1] in known.get(path[0], ()):
        return []
    every = [f"{root}.{name}" for root, names in known.items() for name in names]
    near = tuple(get_close_matches(shown, every, 3, 0.5))
    hint = f"; did you mean {' or '.join(near)}?" if near else f"; they begin with {', '.join(known)}"
    return [FieldError(where, "UNKNOWN_VARIABLE", f"{where}: there is no variable {shown[:100]}{hint}", near)]
