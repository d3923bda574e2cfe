"""The engine: which rules run, who decides, what a disagreement does, and which revisions are refused."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal

import pytest

from cds.core.facts import Known, Unknown
from cds.engine.compile import Rulesets
from cds.engine.durable import EngineFailed
from cds.engine.engine import Engine
from cds.engine.reference import Answer
from cds.errors import BadKnowledge
from cds.knowledge.model import RuleKind

DAY = date(2026, 11, 23)
RISK, ADVICE = "risk/long-use.yaml", "advice/cut-too-fast.yaml"
LONG = {"use_length": Known(Decimal(182), "supplied on 182 days", ("MedicationRequest/1",))}
CUT = {"order_action": Known("reduce"), "long_use": Known(True), "order_cut": Known(Decimal(50)), "hospice": Known(False)}


@pytest.fixture
def engine(rule_book):
    built = Engine(rule_book())
    yield built
    built.close()


def answers(engine: Engine, kind: RuleKind, facts: dict, day: date = DAY, hook: str | None = None) -> dict[str, Answer]:
    return {finding.rule_id: finding.answer for finding in engine.findings(kind, facts, day, hook)}


def test_each_rule_gets_one_finding_with_its_trace(engine: Engine) -> None:
    [finding] = engine.findings(RuleKind.RISK, LONG, DAY)
    assert (finding.rule_id, finding.answer, finding.trouble) == ("long-use", Answer.TRUE, None)
    [line] = finding.trace
    assert (line.group, line.answer, line.found) == ("all", Answer.TRUE, LONG["use_length"])
    assert (line.asked[0].parameter, str(line.asked[0].value), line.asked[0].cite) == ("long_time", "90 days", "asam")


def test_an_advice_rule_asks_about_the_risks_that_were_found(engine: Engine) -> None:
    risks = engine.risk_facts(engine.findings(RuleKind.RISK, LONG, DAY))
    assert risks == {"long_use": Known(True, "supplied on 182 days", ("MedicationRequest/1",))}
    assert answers(engine, RuleKind.ADVICE, {**CUT, **risks}) == {"cut-too-fast": Answer.TRUE}


def test_a_risk_that_can_not_be_told_is_an_unknown_fact_with_its_reason(engine: Engine) -> None:
    missing = {"use_length": Unknown("the supplies could not be read", ("MedicationDispense/1",))}
    risks = engine.risk_facts(engine.findings(RuleKind.RISK, missing, DAY))
    assert risks == {"long_use": Unknown("the supplies could not be read", ("MedicationDispense/1",))}
    assert answers(engine, RuleKind.ADVICE, {**CUT, **risks}) == {"cut-too-fast": Answer.CANNOT_TELL}


def test_a_risk_that_was_not_weighed_is_not_known_to_an_advice_rule(engine: Engine) -> None:
    without = {name: fact for name, fact in CUT.items() if name != "long_use"}
    assert answers(engine, RuleKind.ADVICE, without) == {"cut-too-fast": Answer.CANNOT_TELL}


def test_the_day_picks_the_edition_of_a_parameter(engine: Engine) -> None:
    seventy = {"use_length": Known(Decimal(70))}
    assert answers(engine, RuleKind.RISK, seventy, date(2026, 12, 31)) == {"long-use": Answer.FALSE}
    assert answers(engine, RuleKind.RISK, seventy, date(2027, 1, 1)) == {"long-use": Answer.TRUE}


def test_days_with_the_same_values_share_what_is_compiled(engine: Engine) -> None:
    assert engine._rulesets(RuleKind.RISK, date(2026, 2, 1)) is engine._rulesets(RuleKind.RISK, DAY)
    assert engine._rulesets(RuleKind.RISK, date(2027, 2, 1)) is not engine._rulesets(RuleKind.RISK, DAY)


def test_only_the_rules_of_a_hook_are_answered(engine: Engine) -> None:
    assert answers(engine, RuleKind.ADVICE, CUT, hook="order-sign") == {"cut-too-fast": Answer.TRUE}
    assert answers(engine, RuleKind.ADVICE, CUT, hook="patient-view") == {}


def test_a_rule_runs_only_while_it_is_in_force(rule_book) -> None:
    engine = Engine(rule_book((RISK, "2026-01-01}", "2026-01-01, to: 2026-06-30}")))
    assert answers(engine, RuleKind.RISK, LONG, date(2025, 12, 31)) == {}
    assert answers(engine, RuleKind.RISK, LONG, date(2026, 1, 1)) == {"long-use": Answer.TRUE}
    assert answers(engine, RuleKind.RISK, LONG, date(2026, 6, 30)) == {"long-use": Answer.TRUE}
    assert answers(engine, RuleKind.RISK, LONG, date(2026, 7, 1)) == {}
    engine.close()


@pytest.mark.parametrize(("status", "runs"), [("draft", False), ("silent", True), ("active", True), ("retired", False)])
def test_drafts_and_retired_rules_do_not_run(rule_book, status: str, runs: bool) -> None:
    engine = Engine(rule_book((ADVICE, "status: active", f"status: {status}")))
    assert bool(answers(engine, RuleKind.ADVICE, CUT)) is runs
    engine.close()


def test_a_card_is_raised_where_its_condition_holds_and_not_where_it_can_not_be_told(engine: Engine) -> None:
    [rule] = engine.knowledge.advice()
    assert engine.raised(rule, {"order_action": Known("stop")}, DAY)
    assert not engine.raised(rule, {"order_action": Known("reduce")}, DAY)
    assert not engine.raised(rule, {"order_action": Unknown("it could not be read")}, DAY)


def test_a_disagreement_uses_the_reference_answer_and_says_so(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Rulesets, "true", lambda self, facts: frozenset())
    [finding] = engine.findings(RuleKind.RISK, LONG, DAY)
    assert (finding.answer, finding.trouble) == (Answer.TRUE, "durable-rules answered not true")
    assert (engine.disagreements, engine.failures) == (1, 0)
    assert not engine.ready()


def test_a_failure_uses_the_reference_answer_and_says_so(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: Rulesets, facts: object) -> frozenset[str]:
        raise EngineFailed("error 303")

    monkeypatch.setattr(Rulesets, "true", fails)
    [finding] = engine.findings(RuleKind.RISK, LONG, DAY)
    assert (finding.answer, finding.trouble) == (Answer.TRUE, "error 303")
    assert (engine.disagreements, engine.failures) == (0, 1)
    assert not engine.ready()


def test_after_close_the_reference_still_answers(engine: Engine) -> None:
    assert engine.ready()
    engine.close()
    [finding] = engine.findings(RuleKind.RISK, LONG, DAY)
    assert finding.true
    assert finding.trouble == "the ruleset was closed"
    assert not engine.ready()


def test_threads_get_their_own_answers(engine: Engine) -> None:
    lengths = [Decimal(n) for n in range(40, 140)] * 5
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda n: engine.findings(RuleKind.RISK, {"use_length": Known(n)}, DAY)[0].true, lengths))
    assert found == [n >= 90 for n in lengths]
    assert (engine.disagreements, engine.failures) == (0, 0)


WRONG_EXAMPLES = [
    (
        "a positive one that is not found",
        RISK,
        "{use_length: 90 days}, expect: found",
        "{use_length: 80 days}, expect: found",
        "answer is false",
    ),
    ("a negative one that is found", RISK, "{use_length: 89 days}", "{use_length: 91 days}", "answer is true"),
    ("one that can be told", RISK, "given: {}, expect: cannot", "given: {use_length: 1 days}, expect: cannot", "answer is false"),
    (
        "one that names a fact that decides nothing",
        ADVICE,
        "nothing because: order_cut",
        "nothing because: hospice",
        "does not decide",
    ),
]


@pytest.mark.parametrize(
    ("file", "old", "new", "says"), [row[1:] for row in WRONG_EXAMPLES], ids=[row[0] for row in WRONG_EXAMPLES]
)
def test_a_revision_with_a_wrong_example_is_refused(rule_book, file: str, old: str, new: str, says: str) -> None:
    with pytest.raises(BadKnowledge, match=says) as refused:
        Engine(rule_book((file, old, new)))
    assert [problem.code for problem in refused.value.problems] == ["RULE131"]


def test_a_revision_on_which_the_evaluators_differ_is_refused(rule_book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Rulesets, "true", lambda self, facts: frozenset({"long-use"}))
    with pytest.raises(BadKnowledge, match="differ on the example") as refused:
        Engine(rule_book())
    assert {problem.code for problem in refused.value.problems} == {"RULE132"}


def test_a_rule_that_combines_in_too_many_ways_is_refused(rule_book) -> None:
    asked = "order_cut: {is at least: 1 percent}, dose: {is at least: 1 mg diazepam}, score: {is at least: 1 points}"
    group = f"any: [{asked}, hospice: {{is: yes}}]"
    nested = "".join(f"    - {group.replace('1 ', f'{n} ')}\n" for n in range(4))
    with pytest.raises(BadKnowledge) as refused:
        Engine(
            rule_book(
                (RISK, "    - use_length: {is at least: long_time}\n", f"    - use_length: {{is at least: long_time}}\n{nested}")
            )
        )
    assert "RULE133" in {problem.code for problem in refused.value.problems}


def test_building_and_closing_engines_is_repeatable(rule_book) -> None:
    knowledge = rule_book()
    for _ in range(60):
        engine = Engine(knowledge)
        assert engine.findings(RuleKind.RISK, LONG, DAY)[0].true
        engine.close()
