"""`cds plan`: what it reads, what it shows, and that no form of a plan holds another dose than the plan."""

from __future__ import annotations

import csv
import json
import re
from datetime import date, datetime, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from icalendar import Calendar
from typer.testing import CliRunner

from cds.cli.main import app
from cds.core.regimen import DayTime
from cds.core.taper_plan import NoPlan, Plan
from cds.decision.plan_files import COLUMNS, calendar, plan_told, rows
from cds.decision.plans import crossover_plan, direct_plan, taken
from cds.knowledge.loader import knowledge

BOOK = knowledge(Path(__file__).parents[2] / "rules")
DAY = date(2026, 11, 23)
NOW = datetime.fromisoformat("2026-11-20T08:00:00+00:00")
USUAL = {"--agent": "diazepam", "--dose": "5 mg morning, 10 mg at night", "--pace": "standard", "--start": "2026-11-23"}


@pytest.fixture(autouse=True)
def _read_once(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """The rule book is read once for all tests, unless a test is about another folder."""
    if "tmp_path" not in request.fixturenames:
        monkeypatch.setattr("cds.cli.plan.chosen", lambda *place: BOOK)


def asked(*flags: str, **options: str | None):
    """The command with its usual options, some of them other ones; what it ended with."""
    given = USUAL | {f"--{name}": value for name, value in options.items()}
    words = [word for name, value in given.items() if value is not None for word in (name, value)]
    return CliRunner().invoke(app, ["plan", *words, *flags], env={"COLUMNS": "80"})


def told(*flags: str, **options: str | None) -> str:
    result = asked(*flags, **options)
    assert result.exit_code == 0, result.stderr
    return result.stdout


def refused(**options: str | None) -> str:
    result = asked(**options)
    assert result.exit_code == 2 and result.stdout == ""
    return result.stderr


def test_a_plan_is_a_line_for_each_step_with_its_dose_its_cut_and_a_bar():
    lines = told().splitlines()
    assert lines[0].startswith("Taper of diazepam 15 mg a day to 0: ")
    assert [line.split()[:6] for line in lines if line.startswith(" 2026-11-23  14")] == [
        ["2026-11-23", "14", "5", "8.5", "13.5", "10%"]
    ]
    assert "█" in "".join(lines)
    assert all(len(line) <= 80 for line in lines)


def test_small_last_steps_are_marked_and_the_mark_is_explained():
    shown = told()
    assert "50%*" in shown and "100%*" in shown
    assert "* from 10 mg diazepam a day down" in shown
    assert " 10%*" not in shown.split("2026-12-07")[0]


def test_what_to_take_and_what_to_dispense_first_are_told():
    shown = " ".join(told().split())
    assert "morning: 1 x 5 mg tablet" in shown
    assert "Dispense first: 21 x diazepam 5 mg tablet, 42 x diazepam 2 mg tablet, for 14 days from 2026-11-23." in shown
    assert "No clinician has reviewed" in shown


def test_times_that_were_not_said_are_told_to_be_assumed():
    assert "counted as 5 mg morning, 5 mg night" in " ".join(told(dose="5 mg twice daily").split())
    assert "counted as" not in told()


def test_a_length_is_a_range_to_the_longest_interval_that_a_patient_may_choose_and_has_review_dates():
    lines = " ".join(told().split())
    plan = json.loads(told("--json"))["plan"]
    assert plan["lastsDays"]["least"] < plan["lastsDays"]["most"]
    assert re.search(r"most need \d+ to \d+ (weeks|months) ", lines)
    assert [day for day in plan["reviews"] if day not in lines] == []
    assert all(date.fromisoformat(day).weekday() < 5 for day in plan["reviews"])


def test_a_plan_within_half_a_year_names_weeks():
    assert "most need 1 to 2 weeks" in " ".join(told(dose="2 mg at night", pace="short").split())


def test_a_measured_dose_is_told_in_ml_of_its_strength_and_in_ml_to_dispense():
    shown = " ".join(told(agent="prazepam", dose="10 mg morning, 10 mg at night", start="2026-11-23").split())
    assert re.search(r"(morning|night): [0-9.]+ mL of [0-9.]+ mg/mL", shown)


def test_a_crossover_names_both_agents():
    shown = told(agent="alprazolam", dose="1 mg three times daily", crossover="diazepam")
    assert shown.startswith("Crossover from alprazolam 3 mg a day to diazepam")
    assert "night: diazepam 1 x 10 mg tablet" in shown


def test_a_brand_is_an_agent_and_its_release_is_kept():
    shown = told("--json", agent="Xanax XR", dose="3 mg at night", pace="slower")
    assert json.loads(shown)["takesNow"] == {
        "agent": "alprazolam",
        "dailyDoseMg": 3,
        "times": {"night": 3},
        "timesStated": True,
        "extendedRelease": True,
    }


def test_the_same_agent_again_is_a_crossover_to_immediate_release():
    found = json.loads(told("--json", agent="Xanax XR", dose="3 mg at night", pace="slower", crossover="alprazolam"))["plan"]
    assert [step["doses"][0]["dailyDoseMg"] for step in found["steps"][:2]] == [3, 2.875]


def test_tablets_count_with_a_strength():
    assert told(dose="1 tablet morning, 2 tablets at night", strength="5 mg") == told()


def test_no_plan_is_an_answer_that_says_why_and_what_instead():
    shown = told(agent="ketazolam", dose="45 mg at night")
    assert shown.startswith("No plan for ketazolam, 45 mg a day.")
    assert "Instead, crossover:" in shown and "Instead, liquid:" in shown


@pytest.mark.parametrize("pace", ["specialist", "hold"])
def test_a_pace_without_steps_says_what_not_to_do_meanwhile(pace):
    assert "don't stop it" in " ".join(told(pace=pace).split())


@pytest.mark.parametrize("form", ["--csv", "--ics", "--sheet", "--sheet-html"])
def test_a_file_of_no_plan_is_empty_and_the_reason_is_told_beside_it(form):
    result = asked(form, pace="hold")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "The taper is on hold" in result.stderr


def test_no_plan_as_json_holds_the_reason_and_what_to_do_instead():
    found = json.loads(told("--json", agent="ketazolam", dose="45 mg at night"))
    assert "plan" not in found and found["noPlan"]["reason"].startswith("No capsule of ketazolam")
    assert [one["kind"] for one in found["noPlan"]["instead"]] == ["crossover", "liquid"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"agent": "diazepan"}, "--agent: seen 'diazepan'; expected a benzodiazepine or Z-drug"),
        ({"agent": "diazepan"}, "Did you mean diazepam?"),
        ({"agent": "oxycodone"}, "--agent: seen 'oxycodone'"),
        ({"crossover": "aspirin"}, "--crossover: seen 'aspirin'"),
        (
            {"pace": "quick"},
            "--pace: seen 'quick'; expected one of stop, short, hypnotic, standard, slower, very-slow, specialist, hold",
        ),
        ({"pace": None}, "--pace"),
        ({"basis": "first"}, "--basis"),
        ({"dose": "as directed"}, "--dose: seen 'as directed'"),
        ({"dose": "5 mg"}, "how often"),
        ({"dose": "5 mg twice daily as needed"}, "not the same on every day"),
        ({"dose": "5 to 10 mg at night"}, "not the same on every day"),
        ({"dose": "5 mg every other day"}, "not the same on every day"),
        ({"dose": "5 mg bid for 1 week, then 5 mg daily"}, "changes or ends"),
        ({"dose": "5 mg bid for 2 weeks"}, "changes or ends"),
        ({"dose": "0 mg daily"}, "is nothing"),
        ({"dose": "2 tablets at night"}, "give --strength"),
        ({"dose": "5000 mg daily"}, "more milligrams"),
        ({"strength": "half"}, "--strength: seen 'half'; expected mg in one tablet"),
        ({"strength": "-1"}, "--strength: seen '-1'"),
        ({"strength": "nan"}, "--strength: seen 'nan'"),
        ({"start": "soon"}, "--start: seen 'soon'; expected a day such as 2026-11-23"),
        ({"start": "2019-01-01"}, "--start: seen 2019-01-01; expected 2026-01-01 or later"),
    ],
)
def test_what_cannot_be_used_is_refused_with_what_was_seen_and_expected(options, says):
    assert says in refused(**options)


def test_a_taper_under_way_goes_on_from_a_day_and_says_what_changed():
    shown = " ".join(told("--not-borne", dose="8 mg morning, 10 mg at night", start=None, **{"from": "2027-02-01"}).split())
    assert "The pace is slower in place of standard." in shown
    assert "Stay at 18 mg a day until 1 March 2027." in shown


def test_the_json_of_a_taper_that_goes_on_holds_from_when_and_what_changed():
    found = json.loads(told("--json", start=None, hold="4", **{"from": "2027-02-01"}))
    assert found["goesOn"]["from"] == "2027-02-01" and found["goesOn"]["stayUntil"] == found["plan"]["starts"] == "2027-03-01"
    assert found["goesOn"]["paceBefore"] == "standard" and found["goesOn"]["changed"]


def test_the_dose_before_the_taper_keeps_steps_as_large_as_they_were_planned():
    going_on = {"dose": "10 mg morning, 10 mg at night", "start": None, "from": "2027-02-01"}
    small, planned = (json.loads(told("--json", **going_on, original=dose))["plan"] for dose in (None, "60 mg a day"))
    assert len(planned["steps"]) < len(small["steps"])


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"hold": "4"}, "--hold: seen without --from"),
        ({"original": "40 mg a day"}, "--original: seen without --from"),
        ({"from": "2027-02-01"}, "--start: seen with --from"),
        ({"from": "2027-02-01", "start": None, "crossover": "diazepam"}, "--crossover: seen with --from"),
        ({"from": "2027-02-01", "start": None, "hold": "0"}, "--hold: seen 0; expected whole weeks"),
        ({"from": "2027-02-01", "start": None, "original": "5 mg daily"}, "--original: seen '5 mg daily', less than --dose"),
        ({"from": "2027-02-01", "start": None, "original": "lots"}, "--original: seen 'lots'"),
        ({"from": "soon", "start": None}, "--from: seen 'soon'; expected a day"),
    ],
)
def test_how_a_taper_goes_on_is_refused_where_it_cannot_be_used(options, says):
    assert says in " ".join(refused(**options).split())


def test_two_forms_at_once_are_refused():
    result = asked("--json", "--ics")
    assert result.exit_code == 2
    assert "--json, --ics: seen together" in result.stderr


def test_curves_stand_under_the_plan_as_bars_with_the_swing_and_are_called_an_illustration():
    lines = told("--curves", agent="lorazepam", dose="1 mg three times daily").splitlines()
    (now,) = [line for line in lines if line.startswith(" now")]
    (advised,) = [line for line in lines if line.startswith(" advised")]
    assert now.split()[:2] == ["now", "lorazepam"] and set(now.split()[2]) == {"█"}
    assert "▇" in advised and advised.rstrip().endswith("%")
    assert all(len(line) <= 80 for line in lines)
    assert "Plasma level is not withdrawal risk" in " ".join(" ".join(lines).split())
    assert "Plasma level" not in told(agent="lorazepam", dose="1 mg three times daily")


def test_curves_that_are_not_drawn_say_why():
    shown = " ".join(told("--curves", agent="zolpidem", dose="10 mg at night").split())
    assert "Not drawn: zolpidem: volume and clearance give" in shown


def test_the_json_holds_the_curves_where_they_are_asked_for():
    assert "curves" not in json.loads(told("--json"))
    found = json.loads(told("--json", "--curves"))["curves"]
    assert {(each["which"], each["substance"]) for each in found["levels"]} == {
        (which, substance) for which in ("now", "advised") for substance in ("diazepam", "nordazepam")
    }


def test_curves_go_with_no_other_form():
    result = asked("--curves", "--csv")
    assert result.exit_code == 2 and "--curves: seen with --csv" in result.stderr


def test_a_rule_book_without_a_sheet_is_told(tmp_path, monkeypatch):
    folder = tmp_path / "rules"
    for path in (Path(__file__).parents[2] / "rules").rglob("*"):
        if path.is_file() and path.parent.name != "sheet":
            target = folder / path.relative_to(Path(__file__).parents[2] / "rules")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    monkeypatch.setenv("CDS_RULES", str(folder))
    result = asked("--sheet")
    assert result.exit_code == 2 and "the rule book holds no sheet/en.yaml" in result.stderr


def test_the_sheet_comes_as_text_and_as_a_page():
    assert told("--sheet").startswith("# Your plan to lower diazepam slowly\n")
    assert told("--sheet-html").startswith("<!DOCTYPE html>")


AGENTS = ["alprazolam", "clonazepam", "diazepam", "lorazepam", "temazepam", "zolpidem", "clobazam"]
PACES = ["short", "standard", "slower"]


def drawn(agent: str, quarters: int, pace: str, across: bool):
    takes = taken(BOOK, DAY, agent, Decimal(quarters) / 4)
    draw = crossover_plan if across else direct_plan
    return draw(BOOK, DAY, takes, pace), takes


each_plan = given(st.sampled_from(AGENTS), st.integers(1, 80), st.sampled_from(PACES), st.booleans())
unhurried = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])


@unhurried
@each_plan
def test_the_json_holds_the_doses_of_the_plan(agent, quarters, pace, across):
    plan, takes = drawn(agent, quarters, pace, across)
    read = json.loads(json.dumps(plan_told(plan, takes, pace, BOOK, DAY)), parse_float=Decimal, parse_int=Decimal)
    if isinstance(plan, NoPlan):
        assert read["noPlan"]["reason"] == plan.reason
        return
    assert read["plan"]["ends"] == plan.ends.isoformat()
    for step, entry in zip(plan.steps, read["plan"]["steps"], strict=True):
        assert (entry["start"], entry["days"]) == (step.start.isoformat(), step.days)
        for dose, told_dose in zip(step.doses, entry.get("doses", [entry]), strict=True):
            assert told_dose["agent"] == dose.agent and told_dose["dailyDoseMg"] == dose.daily
            assert {time: mg for time, mg in told_dose["times"].items() if mg} == {
                time.value: mg for time, mg in dose.times.items()
            }
        counted = sum((one["count"] * one["mg"] for one in entry["take"]), Decimal(0))
        assert counted == sum((dose.daily for dose in step.doses), Decimal(0))


@unhurried
@each_plan
def test_the_csv_holds_the_doses_of_the_plan(agent, quarters, pace, across):
    plan, _ = drawn(agent, quarters, pace, across)
    if isinstance(plan, NoPlan):
        return
    read = list(csv.DictReader(StringIO(rows(plan))))
    expected = [(step, dose) for step in plan.steps for dose in step.doses]
    assert list(read[0]) == list(COLUMNS)
    for row, (step, dose) in zip(read, expected, strict=True):
        assert (row["start"], row["agent"], Decimal(row["daily_mg"])) == (step.start.isoformat(), dose.agent, dose.daily)
        assert [Decimal(row[f"{time.value}_mg"]) for time in DayTime] == [dose.times.get(time, 0) for time in DayTime]


@unhurried
@each_plan
def test_the_calendar_has_one_day_for_each_step(agent, quarters, pace, across):
    plan, _ = drawn(agent, quarters, pace, across)
    if isinstance(plan, NoPlan):
        return
    read = Calendar.from_ical(calendar(plan, NOW))
    events = read.walk("VEVENT")
    assert [event["dtstart"].dt for event in events] == [step.start for step in plan.steps]
    assert all(event["dtend"].dt == event["dtstart"].dt + timedelta(days=1) for event in events)
    assert not any(isinstance(event["dtstart"].dt, datetime) for event in events)
    assert len({event["uid"] for event in events}) == len(events)


def test_a_calendar_holds_nothing_but_the_plan():
    plan, _ = drawn("alprazolam", 12, "slower", False)
    assert isinstance(plan, Plan)
    read = Calendar.from_ical(calendar(plan, NOW))
    names = {name for event in read.walk("VEVENT") for name in event}
    assert names == {"UID", "DTSTAMP", "DTSTART", "DTEND", "SUMMARY", "DESCRIPTION", "CLASS", "TRANSP"}
    assert {str(event["class"]) for event in read.walk("VEVENT")} == {"PRIVATE"}


def test_the_same_plan_keeps_its_ids_and_another_has_others():
    plan, _ = drawn("diazepam", 40, "slower", False)
    other, _ = drawn("diazepam", 44, "slower", False)
    assert isinstance(plan, Plan) and isinstance(other, Plan)
    ids, again, others = (
        {str(event["uid"]) for event in Calendar.from_ical(calendar(one, at)).walk("VEVENT")}
        for one, at in ((plan, NOW), (plan, NOW + timedelta(days=1)), (other, NOW))
    )
    assert ids == again and not ids & others
