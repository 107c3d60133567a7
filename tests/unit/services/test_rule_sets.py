"""How a rule set works: order, completion, and all errors at once."""

from __future__ import annotations

from shared.service.rules import NO_RULES, PASS, Proposal, RuleSet, Verdict, complete, on_text, refuse


def test_without_rules_everything_passes_untouched():
    proposal = Proposal("thing", None, {"a": 1})
    assert NO_RULES.apply(proposal).values is proposal.new
    assert NO_RULES.prepare({"a": " x "}) == {"a": " x "}


def test_later_checks_see_what_earlier_ones_completed():
    rules = RuleSet(check=(lambda _: complete(a=2), lambda proposal: complete(b=proposal.after("a"))))
    assert rules.apply(Proposal("thing", None, {"a": 1})) == ({"a": 2, "b": 2}, ())


def test_all_errors_are_collected():
    def no_a(_: Proposal) -> Verdict:
        return refuse("a", "REQUIRED_FIELD", "a is missing")

    rules = RuleSet(check=(no_a, lambda _: PASS, lambda _: refuse("b", "INVALID_OPTION", "b is wrong")))
    values, errors = rules.apply(Proposal("thing", {}, {}))
    assert values == {}
    assert [error.name for error in errors] == ["a", "b"]


def test_a_proposal_knows_before_and_after():
    proposal = Proposal("thing", {"a": 1, "b": 2, "c": 3}, {"a": 5, "b": None, "c": 3, "d": None})
    assert not proposal.creating
    assert Proposal("thing", None, {}).creating
    assert [proposal.before(name) for name in "abcd"] == [1, 2, 3, None]
    assert [proposal.after(name) for name in "abcd"] == [5, None, 3, None]
    assert [proposal.changes(name) for name in "abcde"] == [True, True, False, False, False]


def test_a_text_normaliser_leaves_other_values_alone():
    trim = on_text(str.strip)
    assert (trim(" x "), trim(5), trim(None)) == ("x", 5, None)
