"""The cards that advice becomes: what they say, which come first, what is folded, and that a record's text stays text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from cds.core.facts import Fact, Known, Unknown
from cds.core.quantity import Quantity
from cds.hooks.card_text import formatted
from cds.hooks.cards import Advice, cards
from cds.hooks.markdown import cut, escaped, plain_text
from cds.knowledge.files.dosing import Dosing
from cds.knowledge.model import Because, Card, CodedValue, FactDefinition, FactType, Group, Knowledge, Rule, RuleKind, Status
from cds.knowledge.model_parameters import EvidenceSource, Parameter, ParameterEdition

DAY = date(2026, 11, 23)
GUIDELINE = EvidenceSource("guide", "The guideline", "Guide 2025", "guideline", url="https://guide.test/2025")
STUDY = EvidenceSource("study", "A study", "Study 2020", "study")
LOCAL = EvidenceSource("local-default", "Local default", "local default, needs clinical sign-off", "local default")


def parameter(name: str, value: str, unit: str) -> Parameter:
    return Parameter(name, name, unit, (ParameterEdition(date(2025, 1, 1), Quantity(Decimal(value), unit), "guide"),))


def named(name: str, value: str) -> Parameter:
    return Parameter(name, name, "name", (ParameterEdition(date(2025, 1, 1), value, "guide"),))


def quantity(name: str, unit: str) -> FactDefinition:
    return FactDefinition(name, name, FactType.QUANTITY, unit)


KNOWLEDGE = Knowledge(
    revision="sha256:0",
    vocabulary={one.name: one for one in (quantity("order_cut", "percent"), quantity("use_length", "days"))},
    parameters={
        one.name: one
        for one in (
            parameter("most_cards", "3", "cards"),
            parameter("steps_on_a_card", "3", "steps"),
            parameter("largest_cut", "25", "percent"),
            named("card_detail", "full"),
        )
    },
    evidence={one.id: one for one in (GUIDELINE, STUDY, LOCAL)},
    paces={},
    rules=(),
    agents={},
    medications={},
    names={},
    interactions=(),
    value_sets={},
    dosing=Dosing({}),
    override_reasons={"disagree": CodedValue("urn:reasons", "disagree", "I disagree", "")},
    texts={"not_reviewed": "*Not reviewed.*", "pause": "**Pause** when it is hard."},
)


def rule(id: str = "cut-too-fast", **more: Any) -> Rule:
    card = Card(
        indicator="warning",
        summary=more.pop("summary", "A {{ order_cut }} cut of {{ agent }} is fast"),
        detail=more.pop("detail", "Cut {{ agent }} by less."),
        suggest=more.pop("suggest", ()),
        override_reasons=more.pop("override_reasons", ()),
    )
    plain = Rule(
        kind=RuleKind.ADVICE,
        id=id,
        title=f"Title of {id}",
        status=Status.ACTIVE,
        version=2,
        in_force_from=date(2026, 1, 1),
        in_force_to=None,
        when=Group(),
        because=(Because("guide", "Go slowly.", "strong"),),
        expect_false_alarms=(),
        examples=(),
        card=card,
    )
    return replace(plain, **more)


FACTS: dict[str, Fact] = {"agent": Known("alprazolam"), "order_cut": Known(Decimal(50)), "use_length": Known(Decimal(1))}


def advice(id: str = "cut-too-fast", order: str = "MedicationRequest/1", indicator: str = "warning", **more: Any) -> Advice:
    facts = {**FACTS, **more.pop("facts", {})}
    lists = more.pop("lists", {})
    cannot_tell = more.pop("cannot_tell", False)
    return Advice(rule(id, **more), order, facts, lists, indicator, cannot_tell)


def shown(*told: Advice, knowledge: Knowledge = KNOWLEDGE) -> list[dict[str, Any]]:
    ids = (f"id-{number}" for number in count(1))
    return cards(told, knowledge, DAY, "decision-1", lambda: next(ids))


def detail(**more: Any) -> str:
    """The card's own text, without the basis that follows it."""
    text: str = shown(advice(**more))[0]["detail"]
    return text.split("\n\n**Basis**")[0].removeprefix("**Basis**")


def summary(**more: Any) -> str:
    text: str = shown(advice(**more))[0]["summary"]
    return text


# What a card holds ----------------------------------------------------------------------------------------------------


def test_a_whole_card() -> None:
    [card] = shown(advice(override_reasons=("disagree",)))
    assert card == {
        "uuid": "id-1",
        "summary": "A 50% cut of alprazolam is fast",
        "detail": "Cut alprazolam by less.\n\n**Basis**\n- Guide 2025: Go slowly. (strong; guideline)\n\n*Not reviewed.*",
        "indicator": "warning",
        "source": {
            "label": "Guide 2025",
            "url": "https://guide.test/2025",
            "topic": {"system": "urn:taper-cds:advice", "code": "cut-too-fast", "display": "Title of cut-too-fast"},
        },
        "overrideReasons": [{"code": "disagree", "system": "urn:reasons", "display": "I disagree"}],
        "links": [{"label": "Guide 2025", "url": "https://guide.test/2025", "type": "absolute"}],
        "extension": {
            "org.taper-cds": {
                "decision": "decision-1",
                "rule": "cut-too-fast",
                "ruleVersion": 2,
                "order": "MedicationRequest/1",
            }
        },
    }


@pytest.mark.row("GEN-3")
def test_what_is_empty_is_left_out() -> None:
    [card] = shown(advice(because=(Because("study", "So it was."),)))
    assert not {"links", "overrideReasons", "suggestions", "selectionBehavior"} & set(card)
    assert set(card["source"]) == {"label", "topic"}


@pytest.mark.row("SRC-1")
def test_the_source_is_the_first_that_is_not_a_local_default() -> None:
    [card] = shown(advice(because=(Because("local-default", "Ours."), Because("study", "Seen."), Because("guide", "Told."))))
    assert card["source"]["label"] == "Study 2020"


def test_a_rule_of_local_defaults_alone_says_so_in_its_basis_and_has_our_own_label() -> None:
    [card] = shown(advice(because=(Because("local-default", "We chose it."),)))
    assert card["source"]["label"] == "Taper CDS"
    assert "- Local default, needs clinical sign-off: We chose it." in card["detail"]


def test_not_reviewed_is_said_once() -> None:
    [card] = shown(advice(detail="Do it.\n\n{{ text.not_reviewed }}"))
    assert card["detail"].count("Not reviewed") == 1


# Words ----------------------------------------------------------------------------------------------------------------

VALUES = [
    (Decimal("3.0"), "mg", "3 mg"),
    (Decimal("2.875"), "mg", "2.875 mg"),
    (Decimal(90), "days", "90 days"),
    (Decimal(1), "days", "1 day"),
    (Decimal(1), "days a week", "1 day a week"),
    (Decimal(25), "percent", "25%"),
    (Decimal("33.3333"), "percent", "33.3%"),
    (Decimal(30), "mg diazepam", "30 mg diazepam"),
    (True, None, "yes"),
    (False, None, "no"),
    (date(2026, 1, 2), None, "2026-01-02"),
    ("slower", None, "slower"),
]


@pytest.mark.parametrize(("value", "unit", "written"), VALUES)
def test_a_value_is_written_with_its_unit(value: Decimal | bool | str | date, unit: str | None, written: str) -> None:
    assert formatted(value, unit) == written


def test_facts_parameters_and_shared_texts_are_filled_in() -> None:
    template = "{{ order_cut }} is above {{ parameter.largest_cut }} after {{use_length}}. {{ text.pause }}"
    assert detail(detail=template) == "50% is above 25% after 1 day. **Pause** when it is hard."


def test_what_is_not_known_is_said_to_be_so_and_is_never_zero() -> None:
    facts = {"order_cut": Unknown("no dose was given")}
    assert summary(facts=facts) == "A (not known) cut of alprazolam is fast"
    assert detail(detail="{{ onset }} then", facts=facts) == "(not known) then"


def test_a_list_alone_on_its_line_becomes_bullets() -> None:
    lists = {"risk_factors": ("Taken for 240 days", "Aged 78")}
    assert detail(detail="**Why**\n{{ risk_factors }}", lists=lists) == "**Why**\n- Taken for 240 days\n- Aged 78"


def test_a_list_inside_a_line_is_joined() -> None:
    assert detail(detail="Risks: {{ risk_factors }}.", lists={"risk_factors": ("one", "two")}) == "Risks: one; two."


def test_an_empty_list_takes_its_paragraph_away() -> None:
    template = "Do this.\n\n**Not checked**\n{{ not_checked }}\n\nThen that."
    assert detail(detail=template, lists={"not_checked": ()}) == "Do this.\n\nThen that."


def test_a_lone_text_that_is_not_known_takes_its_paragraph_away() -> None:
    assert detail(detail="Do this.\n\n{{ dose_sum }}", facts={"dose_sum": Unknown("no dose")}) == "Do this."


def test_a_summary_begins_with_a_capital() -> None:
    assert summary(summary="{{ agent }}: slow down") == "Alprazolam: slow down"


# Order, limit, folding ------------------------------------------------------------------------------------------------


def rules_of(answer: list[dict[str, Any]]) -> list[str]:
    return [card["extension"]["org.taper-cds"]["rule"] for card in answer]


def also(card: dict[str, Any]) -> list[str] | None:
    names: list[str] | None = card["extension"]["org.taper-cds"].get("alsoSays")
    return names


@pytest.mark.row("CARD-12")
def test_cards_come_by_indicator_and_then_by_the_order_of_the_rules() -> None:
    told = [
        advice("c", "MedicationRequest/3", priority=0, indicator="info"),
        advice("b", "MedicationRequest/2", priority=2, indicator="warning"),
        advice("a", priority=1, indicator="warning"),
        advice("d", "MedicationRequest/4", priority=3, indicator="critical"),
    ]
    assert rules_of(shown(*told[1:])) == ["d", "a", "b"]


def test_no_advice_is_no_card() -> None:
    assert shown() == []


@pytest.mark.row("CARD-12")
def test_more_than_the_limit_is_folded_into_the_first_card() -> None:
    told = [advice(name, f"MedicationRequest/{name}", priority=place) for place, name in enumerate("abcde")]
    answer = shown(*told)
    assert rules_of(answer) == ["a", "b", "c"]
    assert also(answer[0]) == ["d", "e"]
    assert "**Also:**\n- Title of d (alprazolam)\n- Title of e (alprazolam)\n" in answer[0]["detail"]
    assert also(answer[1]) is None


def test_all_advice_about_one_order_is_one_card() -> None:
    told = [advice("a", priority=0, suggest=("plan", "x")), advice("b", priority=1), advice("c", priority=2, suggest=("plan",))]
    answer = shown(*told)
    assert rules_of(answer) == ["a"]
    assert also(answer[0]) == ["b", "c"]


def test_naloxone_goes_with_any_plan_so_it_has_a_card_of_its_own_until_it_is_on_record() -> None:
    told = [advice("a", priority=0, suggest=("taper_plan",)), advice("b", priority=1, suggest=("naloxone",))]
    assert rules_of(shown(*told)) == ["a", "b"]
    at_hand = replace(told[1], facts={**FACTS, "naloxone_on_record": Known(True)})
    assert rules_of(shown(told[0], at_hand)) == ["a"]


def test_the_suggestions_of_an_order_stand_on_one_card_of_which_at_most_one_is_taken() -> None:
    def offered(names: Sequence[str]) -> Mapping[str, tuple[Mapping[str, Any], ...]]:
        return {name: ({"label": name}, *([{"label": "whole"}] if name == "taper_plan" else [])) for name in names}

    told = [
        replace(advice("a", priority=0, suggest=("taper_plan", "crossover_plan")), suggestions=offered),
        advice("b", priority=1, suggest=("continue_dose", "taper_plan")),
    ]
    [card] = shown(*told)
    assert [one["label"] for one in card["suggestions"]] == ["continue_dose", "taper_plan", "crossover_plan", "whole"]
    assert card["selectionBehavior"] == "at-most-one"
    leads = advice("c", priority=2, suggest=("crossover_plan", "taper_plan"))
    labels = [one["label"] for one in shown(*told, leads)[0]["suggestions"]]
    assert labels == ["continue_dose", "crossover_plan", "taper_plan", "whole"]


# Short cards ----------------------------------------------------------------------------------------------------------

SHORT = replace(KNOWLEDGE, parameters={**KNOWLEDGE.parameters, "card_detail": named("card_detail", "short")})


def in_short(**more: Any) -> str:
    [card] = shown(advice(**more), knowledge=replace(SHORT, texts={"not_reviewed_short": "*Not reviewed.*"}))
    text: str = card["detail"]
    return text


def test_a_short_card_ends_with_its_sources_those_of_one_guideline_together() -> None:
    assert in_short() == "Cut alprazolam by less.\n\n*Guide 2025.* *Not reviewed.*"
    local = (Because("guide", "Told."), Because("local-default", "Ours."))
    assert "*Guide 2025; local default.*" in in_short(because=local)


def test_a_short_card_says_in_one_line_what_could_not_be_read() -> None:
    assert "\n\n**Not read:** The dose.\n\n" in in_short(facts={"not_read": Known("The dose.")})


def test_a_folded_advice_is_one_line_of_a_short_card_where_it_has_one() -> None:
    other = advice("b", priority=1)
    card = replace(other.card, also="Two at once.")
    [told] = shown(advice("a"), replace(other, rule=replace(other.rule, card=card)), knowledge=SHORT)
    assert "**Also:** Two at once." in told["detail"]


def test_a_part_of_a_text_is_left_out_where_something_in_it_is_not_known() -> None:
    told = in_short(detail="Cut it[[ by {{ order_cut }}]][[ after {{ pace }}[[ or {{ order_cut }}]]]].")
    assert told.startswith("Cut it by 50%.\n")
    assert in_short(detail="One.\n\n[[**Two** {{ pace }}]]\n\nThree.").startswith("One.\n\nThree.\n")


def test_a_value_that_begins_a_sentence_has_a_capital() -> None:
    assert in_short(detail="**Why.** {{ agent }} is short-acting. {{ agent }} it is: {{ agent }}.").startswith(
        "**Why.** Alprazolam is short-acting. Alprazolam it is: alprazolam."
    )


def test_a_spare_part_of_a_summary_goes_before_anything_is_cut_off() -> None:
    long = "x" * 100
    assert summary(summary=f"{long}[[?: {{{{ agent }}}} {long}]]. Keep it.[[? {{{{ agent }}}}]]") == f"X{long[1:]}. Keep it."
    assert summary(summary="Stop[[?: {{ agent }}]].") == "Stop: alprazolam."


def test_advice_about_another_order_keeps_its_card() -> None:
    told = [advice("a", suggest=("plan",)), advice("a", suggest=("plan",), order="MedicationRequest/2")]
    assert [card["extension"]["org.taper-cds"]["order"] for card in shown(*told)] == [
        "MedicationRequest/1",
        "MedicationRequest/2",
    ]


def test_folded_advice_about_another_order_names_its_drug() -> None:
    knowledge = replace(KNOWLEDGE, parameters={**KNOWLEDGE.parameters, "most_cards": parameter("most_cards", "1", "cards")})
    other = advice("b", order="MedicationRequest/2", priority=1, facts={"agent": Known("diazepam")})
    [card] = shown(advice("a"), other, knowledge=knowledge)
    assert "- Title of b (diazepam)" in card["detail"]


def test_the_order_in_which_advice_is_given_changes_nothing() -> None:
    orders = [f"MedicationRequest/{place % 2}" for place in range(5)]
    told = [advice(name, orders[place], priority=place, suggest=("plan",)) for place, name in enumerate("abcde")]
    assert shown(*told) == shown(*reversed(told))


def test_a_silent_rule_and_advice_that_cannot_be_told_give_no_card() -> None:
    assert shown(advice(status=Status.SILENT), advice(cannot_tell=True)) == []


# Hostile text ---------------------------------------------------------------------------------------------------------

RENDERER = MarkdownIt("gfm-like", {"linkify": False})
HARMLESS = {"text", "text_special", "softbreak", "inline", "paragraph_open", "paragraph_close"}
HOSTILE = [
    "[click](https://evil.test)",
    "![x](https://evil.test/x.png)",
    "<script>alert(1)</script>",
    "<https://evil.test>",
    "<img src=x onerror=alert(1)>",
    "# Heading",
    "- item",
    "1. item",
    "1) item",
    "+ item",
    "=====",
    "-----",
    "***",
    "> quote",
    "**bold** _it_ `code` ~~gone~~",
    "```\ncode",
    "    indented",
    "a | b\n--|--\n1 | 2",
    "line\n\n# next",
    "back\\slash \\[x](y)",
    "&lt;b&gt; &#91;x](y)",
    "[ref]: https://evil.test",
    "{{ text.pause }} {{ agent }}",
]


def tokens(markdown: str) -> Iterator[Token]:
    for token in RENDERER.parse(markdown):
        yield token
        yield from token.children or ()


def rendered(markdown: str) -> str:
    return "".join(token.content for token in tokens(markdown) if token.type in {"text", "text_special"})


@pytest.mark.row("SEC-19")
@pytest.mark.parametrize("text", HOSTILE)
def test_a_record_s_text_renders_as_itself(text: str) -> None:
    safe = escaped(text)
    assert {token.type for token in tokens(safe)} <= HARMLESS
    assert rendered(safe).replace(" ", "") == plain_text(text).replace(" ", "")


@given(st.text(alphabet=st.one_of(st.sampled_from("[]()<>#*_`~|!&;:/\\-+=.1 \nhtps@w{}\"'"), st.characters()), max_size=60))
def test_no_text_becomes_anything_but_text(text: str) -> None:
    safe = escaped(text)
    assert {token.type for token in tokens(safe)} <= HARMLESS
    assert {token.type for token in tokens(f"- {safe}")} <= HARMLESS | {
        "bullet_list_open",
        "list_item_open",
        "list_item_close",
        "bullet_list_close",
    }


@pytest.mark.parametrize(
    "text", ["see https://evil.test", "www.evil.test", "mail a@evil.test", "ftp://evil.test", "xmpp:a@evil.test/x"]
)
def test_no_bare_address_is_left_for_a_renderer_to_link(text: str) -> None:
    safe = escaped(text).lower()
    assert "://e" not in safe
    assert "www.e" not in safe
    assert "@e" not in safe


def test_text_without_meaning_in_markdown_is_left_as_it_is() -> None:
    assert escaped("Alprazolam 0.5 mg (3 a day), 2.875 mg") == "Alprazolam 0.5 mg (3 a day), 2.875 mg"


@pytest.mark.row("SEC-19", "CARD-3")
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_in_a_card_brings_no_link_image_html_or_heading(text: str) -> None:
    lists = {"risk_factors": (text,)}
    found = detail(detail="{{ agent }} is it.\n\n**Why**\n{{ risk_factors }}", lists=lists, facts={"agent": Known(text)})
    kinds = {token.type for token in tokens(found)}
    assert not kinds & {
        "link_open",
        "image",
        "html_inline",
        "html_block",
        "heading_open",
        "fence",
        "code_block",
        "table_open",
        "hr",
    }


@pytest.mark.row("SEC-19")
def test_control_and_direction_characters_are_taken_out_of_a_summary() -> None:
    assert summary(facts={"agent": Known("al\u202epra\x1b[31m\nzolam\x00")}) == "A 50% cut of al pra [31m zolam is fast"


@pytest.mark.row("CARD-2")
@given(st.text(max_size=600))
def test_a_summary_has_fewer_than_140_characters_however_they_are_counted(text: str) -> None:
    line = summary(facts={"agent": Known(text)})
    assert 0 < len(line) < 140
    assert len(line.encode("utf-16-le")) // 2 < 140
    assert "\n" not in line


def test_a_long_summary_ends_at_a_word() -> None:
    assert cut("one two three", 9) == "one two…"
    assert cut("one two three", 13) == "one two three"
