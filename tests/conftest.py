"""What several test folders share: the rule book with its engine, and one in miniature, small enough to be read beside a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from cds.core.medication import Agent, AgentKind, DurationClass
from cds.engine.engine import Engine
from cds.errors import BadKnowledge
from cds.knowledge.drug_tables import Tables
from cds.knowledge.loader import from_files, knowledge
from cds.knowledge.model import CodedValue, Knowledge
from cds.knowledge.problems import Problem, Problems

MINIATURE = {
    "evidence.yaml": """
        sources:
          asam:
            title: A guideline on tapering
            label: ASAM
            origin: guideline
          local-default:
            title: Our own choice
            label: local default
            origin: local default
        """,
    "vocabulary.yaml": """
        facts:
          agent: {means: The drug, type: choice, choices: agents}
          order_action: {means: What the order does, type: choice, choices: [start, reduce, stop]}
          order_cut: {means: The largest cut in two weeks, type: quantity, unit: percent}
          use_length: {means: How long it was taken, type: quantity, unit: days}
          dose: {means: The daily dose, type: quantity, unit: mg diazepam}
          hospice: {means: Hospice care on record, type: yes_no, needs: [conditions], value_sets: [palliative-care]}
          score:
            means: A score
            type: quantity
            unit: points
            if_missing: assume no
            because: It is taken only on suspicion.
          born: {means: The birth date, type: date}
          opioid: {means: The opioid, type: text}
          pace: {means: The pace, type: choice, choices: paces, asked_by: advice rules}
        """,
    "paces.yaml": """
        paces:
          standard: {says: as usual, plan: yes, cut: largest_cut_in_two_weeks, interval: long_time, cite: asam}
          hold: {says: hold the dose, plan: no, cite: local-default}
        """,
    "parameters/taper.yaml": """
        largest_cut_in_two_weeks:
          means: Largest dose cut in any two weeks
          unit: percent
          site_may_change: {at_least: 5 percent, at_most: 25 percent}
          values:
            2025-06-01: {value: 25, cite: asam}
        long_time:
          means: From this length on use is long
          unit: days
          values:
            2027-01-01: {value: 60, cite: local-default, says: Sooner from then on.}
            2025-06-01: {value: 90, cite: asam}
        preferred:
          means: The agent to cross over to
          unit: name
          values:
            2025-06-01: {value: diazepam, cite: asam}
        """,
    "texts.yaml": """
        texts:
          what_to_expect: Some days are harder than others.
        """,
    "override-reasons.yaml": """
        override_reasons:
          patient-choice: {system: urn:x, code: choice, display: The patient decided otherwise}
        """,
    "advice/order.yaml": """
        order:
          - cut-too-fast
        """,
    "risk/long-use.yaml": """
        risk: long-use
        title: Taken for long
        status: active
        version: 1
        in_force: {from: 2026-01-01}
        about: use

        when:
          all:
            - use_length: {is at least: long_time}

        because:
          - cite: asam
            says: Long use makes dependence likely.

        expect_false_alarms:
          - Supplied and not taken.

        then:
          pace: standard
          says: "Taken for {{ use_length }}"

        examples:
          - {name: Exactly long, given: {use_length: 90 days}, expect: found}
          - {name: A day less, given: {use_length: 89 days}, expect: {nothing because: use_length}}
          - {name: No history, given: {}, expect: cannot tell}
        """,
    "advice/cut-too-fast.yaml": """
        advice: cut-too-fast
        title: The order cuts the dose too fast
        status: active
        version: 1
        in_force: {from: 2026-01-01}
        hooks: [order-select, order-sign]

        when:
          all:
            - order_action: {is one of: [reduce, stop]}
            - long_use: {is: yes}
            - order_cut: {is more than: largest_cut_in_two_weeks}
          none:
            - hospice: {is: yes}

        because:
          - cite: asam
            says: Small cuts.
            strength: clinical consensus

        expect_false_alarms:
          - The rest is supplied elsewhere.

        card:
          indicator: warning
          raise: {to: critical, when: {any: [order_action: {is: stop}]}}
          summary: "{{ order_cut }} cut of {{ agent }} is faster than advised"
          detail: "At most {{ parameter.largest_cut_in_two_weeks }}. {{ text.what_to_expect }}"
          suggest: [taper_plan]
          if we cannot tell: The speed of this cut was not checked.
          override_reasons: [patient-choice]

        examples:
          - name: Halved after long use
            given: {order_action: reduce, long_use: yes, order_cut: 50 percent, hospice: no}
            expect: card
          - name: Exactly the limit
            given: {order_action: reduce, long_use: yes, order_cut: 25 percent, hospice: no}
            expect: {nothing because: order_cut}
          - name: No history
            given: {order_action: reduce, order_cut: 50 percent, hospice: no}
            expect: cannot tell
        """,
}


def tables(files: Mapping[str, bytes], problems: Problems) -> Tables:
    names = ("alprazolam", "diazepam")
    agents = {
        name: Agent(name, AgentKind.BENZODIAZEPINE, DurationClass.LONG, False, False, frozenset(), (), None, None)
        for name in names
    }
    return Tables(agents=agents, value_sets={"palliative-care": (CodedValue("urn:x", "1", "Hospice", "us"),)})


def files_with(*changes: tuple[str, str, str], **whole: str | None) -> dict[str, bytes]:
    """The miniature, changed: each change is a file, a text in it, and what takes its place. A whole file of None is left out."""
    texts = {name: dedent(text).lstrip("\n") for name, text in {**MINIATURE, **whole}.items() if text is not None}
    for name, old, new in changes:
        assert old in texts[name], f"{name} does not hold {old!r}"
        texts[name] = texts[name].replace(old, new)
    return {name: text.encode() for name, text in texts.items()}


@pytest.fixture(scope="session")
def book() -> Knowledge:
    """The rule book as it is shipped."""
    return knowledge(Path(__file__).parents[1] / "rules")


@pytest.fixture(scope="session")
def engine(book: Knowledge) -> Iterator[Engine]:
    """The engine of the rule book as it is shipped."""
    built = Engine(book)
    yield built
    built.close()


@pytest.fixture(scope="session")
def rule_book() -> Callable[..., Knowledge]:
    """Reads the miniature rule book, with changes: `rule_book(("risk/long-use.yaml", "90 days", "91 days"))`."""
    return lambda *changes, **whole: from_files(files_with(*changes, **whole), tables)


@pytest.fixture(scope="session")
def problems_of(rule_book: Callable[..., Knowledge]) -> Callable[..., tuple[Problem, ...]]:
    """The problems for which the changed miniature is refused, none where it is not."""

    def problems(*changes: tuple[str, str, str], **whole: str | None) -> tuple[Problem, ...]:
        try:
            rule_book(*changes, **whole)
        except BadKnowledge as refused:
            return tuple(problem for problem in refused.problems if isinstance(problem, Problem))
        return ()

    return problems
