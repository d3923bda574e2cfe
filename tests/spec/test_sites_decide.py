"""Each choice that a site may make, in a whole decision: the same call by the rule book as it stands, and as the site has it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from cds.decision.decide import decide
from cds.engine.engine import Engine
from cds.hooks.messages import EXTENSION, hook_call
from cds.hooks.services import HOOKS
from cds.knowledge.files.sites import sites
from cds.knowledge.model import Knowledge
from cds.knowledge.problems import Problems
from cds.knowledge.site_overlay import site

ROOT = Path(__file__).parents[2]
APPROVED = "because: it fits us, approved_by: the committee, review_by: 2027-12-01"
CROSSOVER, HALVED, ABRUPT = "crossover-alprazolam-renewed", "cut-too-fast-alprazolam-halved", "abrupt-stop-alprazolam"
SEVERAL, SLOWER = "hidden-dose-change-beside-another-agent", "slower-taper-after-earlier-withdrawal"
STEPS = "cut-too-fast-ordered-taper"
Answer = dict[str, Any]
Asked = Callable[..., Answer]


@pytest.fixture(scope="module")
def asked(book: Knowledge) -> Iterator[Asked]:
    """The answer to a story, as a site with these changes has the rule book; without changes, as it stands."""
    engines: dict[str, Engine] = {}

    def answer(story: str, changes: str = "", at_length: bool = False) -> Answer:
        folder = ROOT / "fhir_examples" / story
        body, day = json.loads((folder / "request.json").read_text()), told_on(folder)
        text = f"site: north\ntitle: North Hospital\nstatus: active\n{changes}"
        problems = Problems()
        found = sites({"sites/north.yaml": text.encode()}, book, problems)
        problems.raise_any()
        here = site(replace(book, sites=found), "north", day) if changes else book
        if changes not in engines:
            engines[changes] = Engine(here)
        service = next(service for service, hook in HOOKS.items() if hook == body["hook"])
        call = hook_call(service, body)
        return dict(decide(call, here, engines[changes], day, "decision", lambda: "id", at_length=at_length).answer)

    yield answer
    for engine in engines.values():
        engine.close()


def told_on(folder: Path) -> date:
    return date.fromisoformat(json.loads((folder / "expected.json").read_text())["day"])


def order(answer: Answer) -> Answer:
    found: Answer = answer["extension"][EXTENSION]["orders"][0]
    return found


def rules(answer: Answer) -> list[str]:
    return [card["extension"][EXTENSION]["rule"] for card in answer["cards"]]


def text(answer: Answer) -> str:
    return "\n".join(f"{card['summary']}\n{card.get('detail', '')}" for card in answer["cards"])


def moved(**values: str) -> str:
    """The part of a site's file that moves parameters."""
    lines = [f"  {name}: {{value: {value}, from: 2026-01-01, {APPROVED}}}\n" for name, value in values.items()]
    return "parameters:\n" + "".join(lines)


def test_a_smaller_cut_brings_the_card_and_the_card_says_whose_limit_it_is(asked: Asked) -> None:
    story, changes = "quiet-small-stop-beside-another-agent", moved(largest_cut_in_two_weeks="5 percent")
    assert (rules(asked(story)), rules(asked(story, changes))) == ([], ["abrupt-stop"])
    before, here = (text(asked(STEPS, each, at_length=True)) for each in ("", changes))
    assert "no more than 25% in any two weeks" in " ".join(before.split())
    assert "no more than 5% in any two weeks" in " ".join(here.split())


def test_the_source_of_equivalents_is_read_and_told(asked: Asked) -> None:
    here = asked(HALVED, f"equivalence_source: {{use: [ashton-2002], {APPROVED}}}\n")
    everyone, one = (order(answer)["diazepamEquivalentMg"] for answer in (asked(HALVED), here))
    assert everyone["low"] < everyone["high"] and one["low"] == one["high"]
    long = asked(HALVED, f"equivalence_source: {{use: [ashton-2002], {APPROVED}}}\n", at_length=True)
    assert "This site reads Ashton 2002" in text(long)


def test_the_agent_to_cross_over_to_is_the_one_chosen(asked: Asked) -> None:
    here = asked(CROSSOVER, moved(crossover_target="clonazepam"))
    assert [order(answer)["crossover"]["to"] for answer in (asked(CROSSOVER), here)] == ["diazepam", "clonazepam"]
    assert "clonazepam" in text(here) and "one dose at a time for diazepam" not in text(here)


@pytest.mark.parametrize("change", ["silent: yes", "silent_until: 2027-03-01"])
def test_a_quiet_rule_is_not_shown(asked: Asked, change: str) -> None:
    here = asked(ABRUPT, f"rules:\n  advice/abrupt-stop: {{{change}, {APPROVED}}}\n")
    assert "abrupt-stop" in rules(asked(ABRUPT)) and "abrupt-stop" not in rules(here)


def test_what_was_signed_off_says_so_on_the_card(asked: Asked, book: Knowledge) -> None:
    version = book.rule("cut-too-fast").version
    signed = f"sign_off:\n  advice/cut-too-fast: {{version: {version}, on: 2026-11-30, {APPROVED}}}\n"
    assert "signed off by the committee on 2026-11-30" in text(asked(STEPS, signed, at_length=True))
    assert "signed off by the committee" not in text(asked(STEPS, at_length=True))


def test_override_reasons_are_those_of_the_site(asked: Asked) -> None:
    changes = (
        f"override_reasons:\n  supervised: {{display: On our ward, {APPROVED}}}\n  urgent-harm: {{left_out: yes, {APPROVED}}}\n"
    )
    before, here = reasons(asked(ABRUPT)), reasons(asked(ABRUPT, changes))
    assert {code: said for code, said in here.items() if said != before[code]} == {"supervised": "On our ward"}
    assert before.keys() - here.keys() == {"urgent-harm"}


def reasons(answer: Answer) -> dict[str, str]:
    return {reason["code"]: reason["display"] for reason in answer["cards"][0]["overrideReasons"]}


def test_no_more_cards_are_shown_than_the_site_wants(asked: Asked) -> None:
    before, here = asked(SEVERAL), asked(SEVERAL, moved(most_cards="1 cards"))
    assert len(before["cards"]) > 1 == len(here["cards"])
    assert rules(here) == rules(before)[:1]


def test_no_more_steps_are_on_a_card_than_the_site_wants(asked: Asked) -> None:
    few, many = (asked(STEPS, moved(steps_on_a_card=f"{number} steps"), at_length=True) for number in (2, 6))
    assert [len(steps(answer)) for answer in (few, many)] == [2, 6]


def steps(answer: Answer) -> list[str]:
    """The rows of the first table of a plan."""
    _, _, table = answer["cards"][0]["detail"].partition("|\n|-|")
    return table.partition("\n\n")[0].splitlines()[1:]


# Where a choice would make a text wrong, the text follows -----------------------------------------------------------------


def test_a_pace_whose_numbers_were_moved_is_told_by_them(asked: Asked) -> None:
    changes = ("", moved(slower_cut="3 percent", standard_cut="7 percent", slower_interval="56 days"))
    before, here = (text(asked(SLOWER, each, at_length=True)) for each in changes)
    assert "a first step of about 5%, then about 10%, 28 days apart" in before
    assert "a first step of about 3%, then about 7%, 56 days apart" in here and "28 days apart" not in here


@pytest.mark.parametrize(("since", "told"), [("2026-11-23", "3%"), ("2026-11-24", "5%")])
def test_a_pace_is_told_by_the_numbers_of_the_day(asked: Asked, since: str, told: str) -> None:
    changes = f"parameters:\n  slower_cut: {{value: 3 percent, from: {since}, {APPROVED}}}\n"
    assert f"a first step of about {told}" in text(asked(SLOWER, changes, at_length=True))


def test_every_number_of_a_pace_that_a_site_may_move_is_in_its_words(book: Knowledge) -> None:
    for pace in (each for each in book.paces.values() if each.plan):
        # A hypnotic goes by the strengths that are sold, of which no percentage is told.
        for name in (pace.cut if not pace.by_strengths else None, pace.first_cut, pace.interval):
            if name is not None and book.parameters[name].site_may_change:
                assert f"{{{{ parameter.{name} }}}}" in f"{pace.says} {pace.says_where_moved or ''}", (pace.id, name)
                assert f"{{{{ parameter.{name} }}}}" in (pace.says_where_moved or pace.says), (pace.id, name)


ORIGINAL = moved(taper_basis="original")


@pytest.mark.parametrize("story", ["cut-too-fast-taper-in-words", STEPS])
def test_the_dose_of_which_percentages_are_taken_is_named_rightly_everywhere(asked: Asked, story: str) -> None:
    before, here = text(asked(story, at_length=True)), text(asked(story, ORIGINAL, at_length=True))
    assert "current dose" in before and "original dose" not in before and "at the start" not in before
    assert "current dose" not in here
    assert "A pace's percentages are of the original dose" in here
    assert "pace, % of the dose at the start" in here
    assert "% of the dose at the start" in here and "% of it in " in here
    assert "|Cut|" in before and "|Cut, of the dose before|" in here
    assert "North Hospital, approved by the committee" in here


def test_a_plan_is_drawn_up_on_the_basis_that_was_chosen(asked: Asked) -> None:
    plans = [order(asked(HALVED, changes))["plan"] for changes in ("", ORIGINAL)]
    assert [plan["basis"] for plan in plans] == ["current", "original"]
    assert len(plans[1]["steps"]) < len(plans[0]["steps"]), "equal steps reach the end sooner than steps that grow smaller"


# At the bounds ------------------------------------------------------------------------------------------------------------

STORIES = sorted(path.parent.name for path in (ROOT / "fhir_examples").glob("*/expected.json"))


def at_the_bounds(book: Knowledge, high: bool) -> str:
    """A site that moves every number that it may to one end of its bounds, and chooses the last or the first of every name."""
    ends = {
        name: str((one.at_most if high else one.at_least) or one.one_of[-1 if high else 0])
        for name, one in book.parameters.items()
        if one.site_may_change and (one.one_of or (one.at_most if high else one.at_least))
    }
    return moved(**ends)


@pytest.mark.parametrize("high", [False, True], ids=["lowest", "highest"])
@pytest.mark.parametrize("story", STORIES)
def test_every_story_has_an_answer_at_a_site_that_moved_all_that_it_may(
    asked: Asked, book: Knowledge, story: str, high: bool
) -> None:
    bounds = at_the_bounds(book, high)
    told = text(asked(story, bounds)) + text(asked(story, bounds, at_length=True))
    assert "{{" not in told and "(not known)" not in told
    assert ("current dose" if high else "original dose") not in told, "the name that was not chosen"
