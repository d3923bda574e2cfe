"""What a terminal shows of an answer."""

from __future__ import annotations

from io import StringIO
from typing import Any

from rich.console import Console

from cds.cli.show import show

CARD: dict[str, Any] = {
    "uuid": "1",
    "summary": "Stopping alprazolam at once risks seizures; taper it [bold]instead[/bold]",
    "detail": "**Why here**\n- Taken for 240 days\n\nSee \\[this\\].",
    "indicator": "critical",
    "source": {"label": "Guide 2025", "url": "https://guide.test"},
    "suggestions": [{"label": "Order the plan"}],
    "overrideReasons": [{"code": "a", "system": "s", "display": "Agreed"}, {"code": "b", "system": "s", "display": "Urgent"}],
    "links": [{"label": "Guide 2025", "url": "https://guide.test", "type": "absolute"}],
}
ORDER: dict[str, Any] = {
    "request": "MedicationRequest/1",
    "agent": "alprazolam",
    "action": "stop",
    "dailyDoseMg": 0,
    "takesNowMg": 3,
    "diazepamEquivalentMg": {"low": 30, "high": 60},
    "gaps": [{"kind": "date", "says": "No date.", "resource": "Condition/1"}],
    "riskFactors": [{"id": "long-use", "because": "Taken for 240 days"}],
    "pace": "slower",
}


def answer(cards: list[Any], orders: list[Any], gaps: list[Any] | None = None) -> dict[str, Any]:
    return {"cards": cards, "extension": {"org.taper-cds": {"decision": "d", "gaps": gaps or [], "orders": orders}}}


def shown(content: dict[str, Any]) -> str:
    console = Console(width=100, record=True, color_system=None, force_terminal=False, file=StringIO())
    show(content, console)
    return "\n".join(line.rstrip() for line in console.export_text().splitlines())


def test_a_card_is_a_panel_with_summary_detail_source_and_reasons() -> None:
    assert shown(answer([CARD], [ORDER])) == "\n".join(
        [
            "╭─  critical  ─────────────────────────────────────────────────────────────────────────────────────╮",
            "│                                                                                                  │",
            "│  Stopping alprazolam at once risks seizures; taper it [bold]instead[/bold]                       │",
            "│                                                                                                  │",
            "│  Why here                                                                                        │",
            "│                                                                                                  │",
            "│   • Taken for 240 days                                                                           │",
            "│                                                                                                  │",
            "│  See [this].                                                                                     │",
            "│                                                                                                  │",
            "│  [ Order the plan ]                                                                              │",
            "│                                                                                                  │",
            "│  Source: Guide 2025, https://guide.test                                                          │",
            "│  Set aside because: Agreed / Urgent                                                              │",
            "│                                                                                                  │",
            "╰──────────────────────────────────────────────────────────────────────────────────────────────────╯",
            "Judged: MedicationRequest/1: stop of alprazolam, 3 mg a day now, 0 mg a day ordered, 30 to 60 mg",
            "diazepam, pace slower, risks: long-use",
            "Not read: No date. (Condition/1)",
        ]
    )


def test_no_card_is_said_with_what_was_judged() -> None:
    assert shown(answer([], [{**ORDER, "gaps": []}])).startswith("No card: nothing to warn of in what was judged.\nJudged:")


def test_nothing_to_judge_is_said() -> None:
    assert shown(answer([], [])) == "No card: no order of a benzodiazepine or Z-drug to judge."


def test_a_dose_that_is_not_known_is_said_to_be_so() -> None:
    order = {"request": "MedicationRequest/1", "agent": "zolpidem", "gaps": [], "riskFactors": []}
    says = "Judged: MedicationRequest/1: action not known of zolpidem, dose now not known, ordered dose not known"
    assert says in shown(answer([], [order])).replace("\n", " ")


def test_a_gap_of_the_call_and_of_its_order_is_told_once() -> None:
    assert shown(answer([CARD], [ORDER], ORDER["gaps"])).count("Not read") == 1


def test_a_remote_answer_can_t_steer_the_terminal() -> None:
    assert "\x1b" not in shown(answer([{**CARD, "summary": "a\x1b[2Jb"}], []))


def test_an_equivalent_on_which_the_sources_agree_is_one_number() -> None:
    order = {**ORDER, "diazepamEquivalentMg": {"low": 10, "high": 10}}
    assert ", 10 mg diazepam," in shown(answer([], [order])).replace("\n", " ")
