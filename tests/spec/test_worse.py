"""When a fact is worse than it was, so that a declined card comes back in full; and how the rule book compares each word."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds.core.fact_comparison import FactComparison, Worse, worsened
from cds.core.facts import Fact, Known, Unknown
from cds.decision.decide import Decision, decide
from cds.decision.declined_cards import Declined, EarlierOrder, fingerprint, gaps_of, shortened, steps_json
from cds.engine.engine import Engine
from cds.hooks.messages import hook_call
from cds.knowledge.files.vocabulary import risk_fact
from cds.knowledge.model import FactType, Knowledge
from tests.spec.calls import DAY, draft, order

NOT_KNOWN = Unknown("it was not given")
LOW, HIGH = Known(Decimal(1)), Known(Decimal(2))
YES, NO = Known(True), Known(False)
SLOW, FAST = Known("slow"), Known("fast")
RANKED = FactComparison(Worse.HIGHER, ("fast", "slow"))


@pytest.mark.parametrize(
    ("way", "then", "now", "worse"),
    [
        (FactComparison(Worse.HIGHER), LOW, HIGH, True),
        (FactComparison(Worse.HIGHER), HIGH, LOW, False),
        (FactComparison(Worse.HIGHER), LOW, Known(Decimal("1.0")), False),
        (FactComparison(Worse.LOWER), HIGH, LOW, True),
        (FactComparison(Worse.LOWER), LOW, HIGH, False),
        (RANKED, FAST, SLOW, True),
        (RANKED, SLOW, FAST, False),
        (RANKED, FAST, Known("another"), True),
        (FactComparison(Worse.NEWLY_YES), NO, YES, True),
        (FactComparison(Worse.NEWLY_YES), YES, NO, False),
        (FactComparison(Worse.NEWLY_YES), YES, YES, False),
        (FactComparison(Worse.NEWLY_YES), NOT_KNOWN, NO, False),
        (FactComparison(Worse.NEWLY_YES), NOT_KNOWN, YES, True),
        (FactComparison(Worse.NEWLY_NO), YES, NO, True),
        (FactComparison(Worse.NEWLY_NO), NO, YES, False),
        (FactComparison(Worse.NEWLY_NO), NOT_KNOWN, YES, False),
        (FactComparison(), SLOW, FAST, True),
        (FactComparison(), SLOW, SLOW, False),
        (FactComparison(), YES, NO, True),
        (FactComparison(), LOW, NOT_KNOWN, True),
        (FactComparison(), NOT_KNOWN, LOW, True),
        (FactComparison(), NOT_KNOWN, Unknown("for another reason"), False),
        (FactComparison(must_be_known=True), NOT_KNOWN, NOT_KNOWN, True),
        (FactComparison(Worse.NOT_COMPARED, must_be_known=True), LOW, HIGH, False),
        (FactComparison(Worse.NOT_COMPARED, must_be_known=True), LOW, NOT_KNOWN, True),
        (FactComparison(Worse.NOT_COMPARED), LOW, NOT_KNOWN, False),
        (FactComparison(Worse.HIGHER), Known(date(2026, 1, 1)), Known(date(2025, 1, 1)), True),
    ],
)
def test_what_is_worse(way: FactComparison, then: Fact, now: Fact, worse: bool) -> None:
    assert worsened({"fact": then}, {"fact": now}, {"fact": way}) == (("fact",) if worse else ())


def test_a_fact_that_was_not_asked_for_then_or_is_not_now_can_not_be_compared() -> None:
    assert worsened({"gone": YES}, {"new": NO}, {}) == ("new", "gone")
    assert worsened({"gone": YES}, {}, {"gone": FactComparison(Worse.NOT_COMPARED)}) == ()


# The rule book's own words ------------------------------------------------------------------------------------------------

DRUG = "diazepam 5 mg tablet"


@pytest.fixture(scope="module")
def cut(book: Knowledge) -> Decision:
    """A patient on 20 mg of diazepam a day for more than a year, whose dose is halved."""
    takes = order("takes", DRUG, "Take 4 tablets daily", since=400, days=900)
    cut = draft("cut", DRUG, "Take 2 tablets daily", prior="takes")
    parts: dict[str, list[Any]] = {"medicationRequests": [takes], "medicationDispenses": [], "conditions": [], "observations": []}
    prefetch: dict[str, Any] = {key: bundle(held) for key, held in parts.items()}
    prefetch["patient"] = {"resourceType": "Patient", "id": "p", "birthDate": "1980-05-05"}
    context = {"userId": "Practitioner/d", "patientId": "p", "draftOrders": bundle([cut])}
    body = {"hook": "order-sign", "hookInstance": str(uuid4()), "context": context, "prefetch": prefetch}
    engine = Engine(book)
    decision = decide(hook_call("taper-order-sign", body), book, engine, DAY, "now", lambda: str(uuid4()))
    engine.close()
    return decision


def bundle(resources: list[Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": each} for each in resources]}


@pytest.fixture(scope="module")
def shown(book: Knowledge, cut: Decision) -> Callable[..., bool]:
    """Whether the card is a line, where facts were `then` and are `now` otherwise than in the decision."""
    (judgement,) = cut.judgements

    def is_line(
        then: dict[str, Fact] | None = None,
        now: dict[str, Fact] | None = None,
        advice: dict[str, str] | None = None,
        rules: Knowledge = book,
        **other: Any,
    ) -> bool:
        before = EarlierOrder(
            {**judgement.facts, **(then or {})},
            {finding.rule_id: finding.answer.value for finding in judgement.advice} | (advice or {}),
            steps_json(judgement.ordered),
            gaps_of((*judgement.orders[0].gaps, *cut.gaps)),
        )
        declined = Declined(
            rule="cut-too-fast",
            agent="diazepam",
            on=DAY,
            reasons=("cds-suboptimal-context",),
            bad=fingerprint("warning", judgement.orders[0]),
            decision="then",
            version=book.rule("cut-too-fast").version,
            said=frozenset({"cut-too-fast"}),
            of=before,
            others={},
        )
        facts = {**judgement.facts, **(now or {})}
        decision = replace(cut, judgements=(replace(judgement, facts=facts),))
        return bool(shortened(decision, [replace(declined, **other)], rules))

    return is_line


def test_where_nothing_is_worse_it_is_a_line(shown: Callable[..., bool]) -> None:
    assert shown()


VALUES = {
    FactType.QUANTITY: st.decimals(0, 1000, places=1).map(Known),
    FactType.YES_NO: st.booleans().map(Known),
    FactType.DATE: st.dates().map(Known),
    FactType.TEXT: st.text(min_size=1).map(Known),
}
BETTER: dict[str, Callable[[Any, Any], bool]] = {
    "higher": lambda then, now: now <= then,
    "lower": lambda then, now: now >= then,
    "newly_yes": lambda then, now: now is False or then is True,
    "newly_no": lambda then, now: now is True or then is False,
    "other": lambda then, now: now == then,
}


@given(data=st.data())
def test_any_one_fact_that_is_worse_brings_the_card_back_in_full(
    data: st.DataObject, book: Knowledge, shown: Callable[..., bool]
) -> None:
    """Told apart from the code: what is better, by the list of rules/declined.yaml that the fact stands in."""
    name = data.draw(st.sampled_from(sorted(compared(book))), "fact")
    listed, values = compared(book)[name]
    then, now = data.draw(values, "then"), data.draw(st.one_of(st.just(NOT_KNOWN), values), "now")
    better = isinstance(now, Known) and BETTER[listed](rank(then.value, name, book), rank(now.value, name, book))
    assert shown({name: then}, {name: now}) is better


@given(data=st.data())
def test_a_fact_that_was_known_and_is_not_brings_the_card_back_in_full(
    data: st.DataObject, book: Knowledge, shown: Callable[..., bool]
) -> None:
    name = data.draw(st.sampled_from(sorted(compared(book))))
    assert not shown({name: data.draw(compared(book)[name][1])}, {name: NOT_KNOWN})


def compared(book: Knowledge) -> dict[str, tuple[str, st.SearchStrategy[Known]]]:
    """Every fact that is compared: the list that it stands in, and its values."""
    assert book.declining is not None
    found = {}
    for name, word in book.vocabulary.items():
        way = book.declining.ways.get(name, FactComparison())
        values = st.sampled_from(word.choices).map(Known) if word.type is FactType.CHOICE else VALUES[word.type]
        if way.worse is not Worse.NOT_COMPARED:
            found[name] = (way.worse.value, values)
    return found | {risk_fact(rule.id): ("newly_yes", VALUES[FactType.YES_NO]) for rule in book.risks()}


def rank(value: Any, name: str, book: Knowledge) -> Any:
    """A pace by how strict it is; any other value as it is."""
    return list(book.paces).index(value) if name == "pace" else value


@pytest.mark.parametrize("name", ["order_daily_dose", "takes_now"])
def test_a_dose_that_is_not_known_can_not_be_compared(name: str, shown: Callable[..., bool]) -> None:
    assert not shown({name: NOT_KNOWN}, {name: NOT_KNOWN})


@pytest.mark.parametrize(
    ("what", "other", "line"),
    [
        ("its last day", {"on": DAY - timedelta(days=89)}, True),
        ("a day too many", {"on": DAY - timedelta(days=90)}, False),
        ("tomorrow", {"on": DAY + timedelta(days=1)}, False),
        ("no reason", {"reasons": ()}, False),
        ("another reason", {"reasons": ("other",)}, False),
        ("one reason of two", {"reasons": ("cds-suboptimal-context", "supervised")}, False),
        ("a reason of another card", {"reasons": ("naloxone-at-hand",)}, False),
        ("another agent", {"agent": "lorazepam"}, False),
        ("another rule", {"rule": "abrupt-stop"}, False),
        ("an older version", {"version": 0}, False),
    ],
)
def test_what_else_decides(what: str, other: dict[str, Any], line: bool, shown: Callable[..., bool]) -> None:
    assert shown(**other) is line, what


def test_a_card_that_was_milder_then_is_in_full(cut: Decision, shown: Callable[..., bool]) -> None:
    judged = cut.judgements[0].orders[0]
    assert shown(bad=fingerprint("critical", judged))
    assert not shown(bad=fingerprint("info", judged))


@pytest.mark.parametrize("then", ["false", "cannot tell"])
def test_another_rule_that_is_newly_true_of_the_order_brings_it_back_in_full(then: str, shown: Callable[..., bool]) -> None:
    assert not shown(advice={"cut-too-fast": then})


def test_a_site_may_keep_warnings_in_full(book: Knowledge, shown: Callable[..., bool]) -> None:
    parameter = book.parameters["declined_up_to"]
    moved = replace(parameter, editions=(replace(parameter.editions[0], value="info"),))
    assert not shown(rules=replace(book, parameters={**book.parameters, "declined_up_to": moved}))


def test_a_rule_book_that_says_nothing_of_declined_cards_shows_them_in_full(book: Knowledge, shown: Callable[..., bool]) -> None:
    assert not shown(rules=replace(book, declining=None))


def test_every_reason_that_shortens_a_card_is_ours_and_has_a_site_s_bounds(book: Knowledge) -> None:
    assert book.declining is not None
    for reason, name in book.declining.days.items():
        parameter = book.parameters[name]
        assert name == f"declined_{risk_fact(reason)}"
        assert parameter.site_may_change and parameter.at_least is not None and parameter.at_least.value == 0
        assert {book.evidence[edition.cite].origin for edition in parameter.editions} == {"local default"}


def test_no_site_may_shorten_a_critical_card_or_one_declined_for_urgent_harm(book: Knowledge) -> None:
    assert book.declining is not None
    assert book.parameters["declined_up_to"].one_of == ("info", "warning")
    assert {"urgent-harm", "service-not-available"} == set(book.override_reasons) - set(book.declining.days)


def test_every_fact_that_a_rule_asks_about_is_compared(book: Knowledge) -> None:
    """But for what grows by itself as days pass, which risks ask about; and the ordered dose, whose change is compared."""
    assert book.declining is not None
    left_out = {name for name, way in book.declining.ways.items() if way.worse is Worse.NOT_COMPARED}
    asked = {word.name for word in book.vocabulary.values() if word.type is not FactType.TEXT}
    assert left_out & asked == {
        "age", "use_length", "days_covered_30", "days_covered_90", "days_covered_365", "days_without_supply", "order_daily_dose",
    }  # fmt: skip
