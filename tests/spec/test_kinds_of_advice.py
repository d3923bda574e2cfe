"""Which advice leads for the kinds of orders that clinicians meet: other agents of a kind, started either way round."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.spec.calls import ICD, LOINC, SNOMED, Json, condition, desk, draft, observation, order

TID, BID, NIGHT, DAILY = "1 tablet three times a day", "1 tablet twice a day", "1 tablet at bedtime", "1 tablet daily"
LONG = 500


@pytest.fixture(scope="module")
def ask() -> Iterator[Any]:
    with desk() as one:
        yield one.ask


def told(answer: Any) -> list[tuple[str, str]]:
    """Rule and indicator of each card, the most important first."""
    return [(card["extension"]["org.taper-cds"]["rule"], card["indicator"]) for card in answer.body["cards"]]


def taken(drug: str, sig: str = BID, id: str = "now") -> Json:
    return order(id, drug, sig, since=LONG)


@pytest.mark.parametrize(
    ("ordered", "running", "lead"),
    [
        (
            draft("n", "clarithromycin 500 mg tablet", BID, days=7),
            taken("triazolam 0.25 mg tablet", NIGHT),
            "contraindicated-pair",
        ),
        (draft("n", "alprazolam 0.5 mg tablet", BID, days=14), taken("itraconazole 100 mg capsule"), "contraindicated-pair"),
        (draft("n", "temazepam 15 mg capsule", "1 capsule at bedtime"), taken("sodium oxybate"), "contraindicated-pair"),
        (draft("n", "sodium oxybate", "4.5 g at bedtime"), taken("zopiclone 7.5 mg tablet", NIGHT), "contraindicated-pair"),
        (draft("n", "ritonavir 100 mg tablet", DAILY), taken("alprazolam 1 mg tablet"), "hidden-dose-change"),
        (draft("n", "ketoconazole 200 mg tablet", DAILY), taken("zopiclone 7.5 mg tablet", NIGHT), "hidden-dose-change"),
        (draft("n", "phenytoin 100 mg capsule", TID), taken("oxazepam 15 mg capsule", TID), "hidden-dose-change"),
        (draft("n", "diltiazem 120 mg capsule", DAILY), taken("diazepam 5 mg tablet"), "hidden-dose-change"),
    ],
)
def test_what_changes_or_forbids_an_agent_leads(ask: Any, ordered: Json, running: Json, lead: str) -> None:
    indicator = "critical" if lead == "contraindicated-pair" else "warning"
    assert told(ask([ordered], requests=[running]))[0] == (lead, indicator)


@pytest.mark.parametrize("drug", ["ciprofloxacin 500 mg tablet", "levofloxacin 500 mg tablet", "moxifloxacin 400 mg tablet"])
@pytest.mark.parametrize("agent", ["alprazolam 1 mg tablet", "lorazepam 1 mg tablet"])
def test_a_fluoroquinolone_is_told_and_not_warned_of(ask: Any, drug: str, agent: str) -> None:
    assert told(ask([draft("n", drug, DAILY, days=7)], requests=[taken(agent)])) == [("hidden-dose-change", "info")]


@pytest.mark.parametrize("drug", ["loperamide 2 mg capsule", "Lomotil 2.5 mg-0.025 mg tablet", "diphenoxylate 2.5 mg tablet"])
def test_what_stops_diarrhoea_is_no_opioid(ask: Any, drug: str) -> None:
    assert told(ask([draft("n", drug, TID, days=5)], requests=[taken("clonazepam 0.5 mg tablet")])) == []


@pytest.mark.parametrize("disorder", [condition(ICD, "F11.20"), condition(SNOMED, "75544000")])
@pytest.mark.parametrize("drug", ["buprenorphine 8 mg sublingual tablet", "methadone 10 mg tablet"])
def test_treatment_of_opioid_use_disorder_goes_ahead(ask: Any, drug: str, disorder: Json) -> None:
    answer = ask([draft("n", drug, DAILY, days=7)], requests=[taken("diazepam 10 mg tablet")], conditions=[disorder])
    assert told(answer) == [("opioid-treatment", "info")]


def test_methadone_without_opioid_use_disorder_is_an_opioid_like_any_other(ask: Any) -> None:
    answer = ask([draft("n", "methadone 10 mg tablet", TID)], requests=[taken("diazepam 10 mg tablet")])
    assert told(answer)[0] == ("opioid-and-benzodiazepine", "critical")


@pytest.mark.parametrize(
    ("ordered", "running", "cards"),
    [
        ("zolpidem 5 mg tablet", "zolpidem 10 mg tablet", []),
        ("eszopiclone 2 mg tablet", "eszopiclone 3 mg tablet", []),
        ("zopiclone 3.75 mg tablet", "zopiclone 7.5 mg tablet", []),
        ("triazolam 0.125 mg tablet", "triazolam 0.25 mg tablet", []),
        ("temazepam 15 mg capsule", "temazepam 30 mg capsule", [("cut-too-fast", "info")]),
        ("eszopiclone 1 mg tablet", "eszopiclone 3 mg tablet", [("z-drug-step", "info")]),
    ],
)
def test_a_hypnotic_goes_down_by_strengths(ask: Any, ordered: str, running: str, cards: list[Any]) -> None:
    night = "1 at bedtime"
    assert told(ask([draft("n", ordered, night, prior="now", days=28)], requests=[taken(running, night)])) == cards


@pytest.mark.parametrize("drug", ["zolpidem 10 mg tablet", "zopiclone 7.5 mg tablet", "eszopiclone 3 mg tablet"])
def test_a_z_drug_at_label_strength_is_no_seizure_alarm_and_never_crosses_over(ask: Any, drug: str) -> None:
    answer = ask([order("now", drug, NIGHT, since=LONG, status="stopped")], requests=[taken(drug, NIGHT)])
    assert told(answer) == [("z-drug-step", "info")]
    assert answer.orders[0]["crossover"]["advice"] == "not-relevant"


@pytest.mark.parametrize(
    ("drug", "sig"),
    [
        ("flurazepam 15 mg capsule", "half a capsule at bedtime"),
        ("alprazolam 0.5 mg orally disintegrating tablet", "1/2 tablet twice daily"),
        ("zolpidem 12.5 mg extended release tablet", "0.5 tablet at bedtime"),
    ],
)
def test_half_of_what_cannot_be_divided_is_told(ask: Any, drug: str, sig: str) -> None:
    answer = ask(
        [draft("n", drug, sig, prior="now", days=28)], requests=[taken(drug, sig.replace("half a", "1").replace("1/2", "1"))]
    )
    assert told(answer)[0] == ("undeliverable-dose", "warning")


@pytest.mark.parametrize(
    ("finding", "agent"),
    [
        (condition(ICD, "Z33.1", onset=60), "clonazepam 0.5 mg tablet"),
        (condition(SNOMED, "77386006", onset=60), "zolpidem 5 mg tablet"),
        (condition(ICD, "G47.33"), "temazepam 15 mg capsule"),
        (condition(ICD, "K74.60"), "diazepam 5 mg tablet"),
        (condition(ICD, "F10.20"), "lorazepam 1 mg tablet"),
    ],
)
def test_a_start_is_advised_against(ask: Any, finding: Json, agent: str) -> None:
    assert told(ask([draft("n", agent, NIGHT, days=10)], conditions=[finding]))[0] == ("do-not-start", "warning")


def test_cirrhosis_alone_does_not_speak_against_lorazepam(ask: Any) -> None:
    answer = ask([draft("n", "lorazepam 1 mg tablet", NIGHT, days=10)], conditions=[condition(ICD, "K74.60")])
    assert "do-not-start" not in [rule for rule, _ in told(answer)]


@pytest.mark.parametrize(("score", "days_ago", "counts"), [(1, 60, False), (1, 10, True), (2, 120, True), (0, 10, False)])
def test_one_old_answer_of_several_days_is_no_risk_of_suicide(ask: Any, score: int, days_ago: int, counts: bool) -> None:
    answer = ask(
        [draft("n", "lorazepam 1 mg tablet", BID, prior="now", days=90)],
        requests=[taken("lorazepam 1 mg tablet")],
        observations=[observation("phq", "44260-8", days_ago, LOINC, valueInteger=score)],
    )
    assert (("short-supplies", "warning") in told(answer)) is counts


@pytest.mark.parametrize(
    ("code", "agent", "quiet"),
    [
        ((ICD, "G47.52"), "clonazepam 0.5 mg tablet", True),
        ((SNOMED, "415238003"), "clonazepam 0.5 mg tablet", True),
        ((ICD, "G80.1"), "diazepam 5 mg tablet", True),
        ((ICD, "G24.3"), "clonazepam 0.5 mg tablet", True),
        ((ICD, "F06.1"), "lorazepam 1 mg tablet", True),
        ((ICD, "G47.52"), "alprazolam 0.5 mg tablet", False),
        ((ICD, "G80.1"), "temazepam 15 mg capsule", False),
    ],
)
def test_an_accepted_long_term_indication_ends_advice_to_taper(ask: Any, code: tuple[str, str], agent: str, quiet: bool) -> None:
    renewed = draft("n", agent, NIGHT, prior="now", days=90)
    answer = ask([renewed], requests=[taken(agent, NIGHT)], conditions=[condition(*code)])
    assert told(answer) == ([] if quiet else [("review-long-use", "info")])


@pytest.mark.parametrize(
    ("before", "now"), [("lorazepam 1 mg tablet", "diazepam 10 mg tablet"), ("diazepam 10 mg tablet", "clonazepam 0.5 mg tablet")]
)
def test_an_overnight_switch_is_a_finding(ask: Any, before: str, now: str) -> None:
    answer = ask([draft("n", now, BID, days=28, prior="now")], requests=[taken(before, TID)])
    assert told(answer)[0] == ("overnight-switch", "warning")


@pytest.mark.parametrize("agent", ["alprazolam 1 mg tablet", "clonazepam 1 mg tablet", "diazepam 10 mg tablet"])
def test_a_doubled_dose_is_warned_of_and_one_that_goes_back_up_is_not(ask: Any, agent: str) -> None:
    doubled = ask([draft("n", agent, BID, prior="now")], requests=[taken(agent, DAILY)])
    earlier = order("before", agent, BID, since=300, status="completed", days=30, refills=9)
    back = ask([draft("n", agent, BID, prior="now")], requests=[earlier, order("now", agent, DAILY, since=10)])
    assert (told(doubled)[0], told(back)) == (("dose-increase", "warning"), [("going-back-up", "info")])


def test_a_regular_dose_stopped_at_once_in_comfort_care_is_told(ask: Any) -> None:
    stopped = order("now", "diazepam 10 mg tablet", BID, since=LONG, status="stopped")
    answer = ask([stopped], requests=[taken("diazepam 10 mg tablet")], conditions=[condition(ICD, "Z51.5", onset=20)])
    assert told(answer) == [("comfort-care-stop", "warning")]


@pytest.mark.parametrize(
    ("agent", "sig", "band"),
    [
        ("alprazolam 1 mg tablet", DAILY, False),
        ("alprazolam 1 mg tablet", BID, False),
        ("alprazolam 1 mg tablet", TID, True),
        ("lorazepam 1 mg tablet", TID, False),
        ("clonazepam 0.5 mg tablet", TID, False),
        ("clonazepam 1 mg tablet", BID, True),
        ("diazepam 5 mg tablet", TID, False),
        ("diazepam 10 mg tablet", BID, True),
    ],
)
def test_a_high_dose_is_the_guidelines_own_for_the_agent(ask: Any, agent: str, sig: str, band: bool) -> None:
    answer = ask([draft("n", agent, sig, prior="now")], requests=[taken(agent, sig)])
    risks = [risk["id"] for risk in answer.orders[0]["riskFactors"]]
    assert ("high-dose" in risks) is band
