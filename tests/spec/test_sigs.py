"""Free-text sigs: what each is read as, or that it is left unread.

One line a sig: the sig | strength of a tablet in mg | mg a day of each step, with its length | days a week where not 7 | marks.
`prn`: as needed. `ends`: the sig itself says that taking stops. `3 in all`: a countable few. `gap`: not read, and a gap says why.
"""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds.cli.sigs import written
from cds.core.gap import GapKind
from cds.core.medication import Form, Medication
from cds.core.regimen import Basis, DayTime
from cds.fhir.dosage.dosage import ReadingLimits, regimen
from cds.knowledge.files.dosing import dosing
from cds.knowledge.problems import Problems

RULES = Path(__file__).parents[2] / "rules"
PROBLEMS = Problems()
WORDS = dosing({"rules/drugs/dosing.yaml": (RULES / "drugs/dosing.yaml").read_bytes()}, PROBLEMS)
LIMITS = ReadingLimits(Decimal(12), Decimal(7), Decimal(30), Decimal(1000))

SIGS = """
1 tab po tid prn | 1 | 0-3 | prn
take 1/2 tab qhs | 1 | 0.5
1-2 tablets every 6 hours as needed | 1 | 0-8 | prn
2 mg twice daily | 1 | 4
one in the morning and two at bedtime | 1 | 3
0.5 mg up to three times daily as needed. | 1 | 0-1.5 | prn
1 qhs prn insomnia | 1 | 0-1 | prn
½ tablet | 1 | gap
½ tablet at bedtime | 1 | 0.5
one and a half tablets bid | 1 | 3
1.5 tabs BID | 1 | 3
take one tablet by mouth three times a day and two at bedtime | 1 | 5
1 tablet, at NIGHT | 1 | 1
Take 1 mg (2 tablets) by mouth daily | 1 | gap
Take 1 mg (1 tablet) by mouth daily | 1 | 1
1 tab bid prn max 3 per day | 1 | 0-2 | prn
1 tab q4h prn, max 3 per day | 1 | 0-3 | prn
1-2 mg q6h prn do not exceed 4 mg/day | 1 | 0-4 | prn
1 tab every other day | 1 | 1 | 3.5 days
1 tablet three times a week | 1 | 1 | 3 days
1 tab Mon Wed Fri | 1 | 1 | 3 days
1 mg q8h | 1 | 3
1 tab every 4-6 hours | 1 | 4-6
1 mg AM, 0.5 mg noon, 1 mg HS | 1 | 2.5
2 mL (1 mg) q8h | 1 | 3
1 mg bid x 2 weeks, then 0.5 mg bid x 2 weeks, then 0.5 mg qhs x 2 weeks, then stop | 1 | 2 x14d, 1 x14d, 0.5 x14d | ends
decrease by 0.5 mg every week | 1 | gap
as directed | 1 | gap
take as needed | 1 | gap
take 1 tablet | 1 | gap
take 1 tablet as needed | 1 | gap
1 tablet 30 minutes before MRI | 1 | 1 x1d | ends | 1 in all
Take 1 tablet once | 1 | 1 x1d | ends | 1 in all
x1 dose | 1 | gap
1 mg x1 dose | 1 | 1 x1d | ends | 1 in all
1 tab single dose | 1 | 1 x1d | ends | 1 in all
1 tablet on call to OR | 1 | 1 x1d | ends | 1 in all
Take 1 tablet (0.5 mg total) by mouth 2 (two) times daily as needed for anxiety. | 1 | gap
Take 2 tablets (2 mg total) by mouth nightly | 1 | 2
Take 1 tablet by mouth 2 (two) times daily. Max Daily Amount: 2 mg | 1 | 2
1 tab daily for 7 days | 1 | 1 x7d | ends
Week 1: 1 mg bid. Week 2: 0.5 mg bid. Week 3: 0.5 mg qhs then stop | 1 | 2 x7d, 1 x7d, 0.5 x7d | ends
1 tab bid except Sunday | 1 | gap
1/2 to 1 tab bid prn | 1 | 0-2 | prn
0.5-1 tablet at bedtime as needed for sleep | 1 | 0-1 | prn
2 x 0.5 mg tablets bid | 1 | gap
two 1 mg tablets at bedtime | 1 | 2
1 mg tablet by mouth at bedtime | 1 | 1
1 at 8am, 1 at 2 pm and 2 at 10 pm | 1 | 4
Lorazepam 1 mg oral tablet twice daily | 1 | 2
1 tab PO BID PRN: anxiety | 1 | 0-2 | prn
1 tablet every 12 hours | 1 | 2
1 bid for 3 days then 1 daily for 3 days then stop | 1 | 2 x3d, 1 x3d | ends
1 tab bid. Take 1 tablet twice daily. | 1 | 2
Take 1 tab in the morning, 1 tab in the afternoon and 2 tabs at bedtime | 1 | 4
take 1 tablet every morning and 1/2 tablet every evening | 1 | 1.5
tomar una tableta dos veces al dia | 1 | gap
Take 1 tablet by mouth every night at bedtime | 1 | 1
1 tab qd-bid prn | 1 | 0-2 | prn
once or twice daily 1 tab | 1 | 1-2
1 tab 1-2 times a day | 1 | 1-2
Take one tablet up to 4 times a day as needed for anxiety or panic | 1 | 0-4 | prn
1 tab bid x 1 week then 2 tabs bid | 1 | 2 x7d, 4
take 1 tab daily and 1 extra at night if needed | 1 | gap
1 tab at bedtime may repeat in 1 hour | 1 | gap
take 2 tabs at bedtime, then 1 tab at bedtime | 1 | gap
1 tab bid 3 days a week | 1 | 2 | 3 days
1 tab 3 days per week at bedtime | 1 | 1 | 3 days
0.5 mg (half tablet) bid | 1 | 1
1 mg = 1 tab bid | 1 | 2
1 tab q8-12h | 1 | 2-3
Take one (1) tablet(s) by mouth every eight (8) hours | 1 | 3
1 tab every morning, noon and night | 1 | 3
one tab po am and hs | 1 | 2
Take 1 tab at 6 pm | 1 | 1
1 tablet daily at 9 | 1 | gap
Lorazepam 1 mg: 1 tab bid | 1 | 2
Ativan 1 mg 1 tab bid | 1 | gap
1 po bid #60 RF:3 | 1 | 2
1 tab po bid #60 refills 2 | 1 | 2
1 tab nightly 5 nights per week | 1 | 1 | 5 days
1 mg bid x 2 weeks, 0.5 mg bid x 2 weeks, 0.5 mg qhs x 2 weeks, stop | 1 | 2 x14d, 1 x14d, 0.5 x14d | ends
1 tab bid until gone | 1 | 2
1 tab q6h. Not to exceed 4 tabs in 24 hrs | 1 | 4
1 tab q4h prn MDD 4 | 1 | 0-4 | prn
1 tab q4h prn max 2/day | 1 | 0-2 | prn
1 tab 2x a day | 1 | 2
1 tab 2 x day | 1 | 2
1-0-1 | 1 | gap
1 tab 1 hour before bed | 1 | 1
1 tab bid (2 mg/day) | 1 | 2
1 tab bid (3 mg total daily) | 1 | gap
1 tab bid for a total of 2 mg per day | 1 | 2
4 mg daily in divided doses bid | 1 | gap
1 tablet prn, no more than 3 times per week | 1 | gap
1 tab daily, no more than 3 times per week | 1 | 1 | 3 days
1 tab up to twice daily prn | 1 | 0-2 | prn
0,5 mg bid | 1 | 1
1,5 mg bid | 1 | gap
1 tablet by mouth as needed, max 3 tablets per day | 1 | 0-3 | prn
Take up to 3 tablets daily as needed | 1 | 0-3 | prn
1 tab am, 1 tab pm, 2 tabs hs | 1 | 4
at bedtime take 2 tablets and in the morning take 1 tablet | 1 | 3
1 am, 2 hs | 1 | 3
1 mg at 8am and 8pm | 1 | 2
1 tablet the night before and 1 tablet 1 hour before procedure | 1 | gap
1 tablet 1 hour before dental procedure, may repeat x1 | 1 | 1-2 x1d | ends | 2 in all
1-2 tablets 1 hour before MRI | 1 | 1-2 x1d | ends | 1 in all
Take 1 tablet once at bedtime | 1 | 1
1 tab daily once | 1 | gap
Take 1 tab bid alternating with 2 tab bid | 1 | gap
1 tab qd x 3d then 1/2 tab qd x 3d then stop | 1 | 1 x3d, 0.5 x3d | ends
1 tab bid for anxiety. Do not drive. Take with food. | 1 | 2
Take 1 tablet by mouth daily. DNF until 3/4/25 | 1 | 1
TAKE 1 TABLET BY MOUTH TWICE DAILY. MAY CAUSE DROWSINESS. | 1 | 2
1 tab q6h prn x 3 doses | 1 | 0-3 x1d | prn | ends | 3 in all
0.25 mg every 6 hours while awake | 1 | 1
2 tabs qhs x 7 days, then decrease to 1 tab qhs | 1 | 2 x7d, 1
1 tab bid discontinue after 14 days | 1 | 2 x14d | ends
1 tab mon, wed, fri and 2 tabs tue thu | 1 | gap
250 mcg bid | 1 | 0.5
1 tab qhs prn sleep or anxiety | 1 | 0-1 | prn
1 tab bid or tid prn | 1 | 0-3 | prn
1 tablet in the morning and 2 tablets at night if required | 1 | 0-3 | prn
one half tablet in the morning, one tablet at bedtime | 1 | 1.5
take 1 1/2 tablets daily | 1 | 1.5
take 1-1/2 tablets daily | 1 | 1.5
Take 1 tablet 3 times a day and 2 tablets at bedtime | 1 | 5
Take two 0.5 mg tablets bid | 1 | gap
0 tablets daily | 1 | 0
three-quarters of a tablet at night | 1 | 0.75
take 1 tablet by mouth 4 times daily as needed for anxiety. Max daily dose: 4 tablets. | 1 | 0-4 | prn
1 tab tid ac | 1 | 3
1 tab with meals and at bedtime | 1 | 4
one at night | 1 | 1
Take one daily for 2 weeks | 1 | 1 x14d | ends
ONE TO BE TAKEN AT NIGHT | 1 | 1
ONE OR TWO TO BE TAKEN AT NIGHT WHEN REQUIRED | 1 | 0-2 | prn
2 to be taken each night | 1 | 2
ONE TO BE TAKEN THREE TIMES A DAY | 1 | 3
1 tablet by mouth every 12 hours as needed for severe anxiety for up to 10 days | 1 | 0-2 x10d | prn | ends
Give 1 mg PO q6h PRN agitation | 1 | 0-4 | prn
1 tablet PO 1 time a day | 1 | 1
1 mg TID PRN; hold for sedation | 1 | gap
10 mg nightly | 1 | 10
1 tab with meals | 1 | 3
1 tab bid with meals | 1 | 2
1 tab po q6h prn nausea | 1 | 0-4 | prn
1 tab three times daily with meals | 1 | 3
Take 1/2 tablet in am and 1 tablet in pm | 1 | 1.5
1 daily | 1 | 1
1 tab qd | 1 | 1
One every 72 hours | 1 | 1 | 2.33 days
twice a day - Oral route - One twice daily | 1 | 2
1 tablet - 3 times a day - Oral route - One tablet three times daily | 1 | 3
5 milligram - 2 times a day - Oral - for 10 days | 1 | 10 x10d | ends
2 tablets to be taken at 08:00 for two days. Take these tablets with or after food. | 1 | 2 x2d | ends
SEVEN (7) tablets to be taken DAILY for two days. Take these tablets with or after food. | 1 | 7 x2d | ends
1 cap once a week | 1 | 1 | 1 days
1 mg 6-hourly for 5 days | 1 | 4 x5d | ends
0.5 mg, Oral, BID, PRN, anxiety, 0 Refill(s) | 1 | 0-1 | prn
1/2 or 1 tab po qd prn, max 3x/wk | 1 | 0-1 | 3 days | prn
1 capsule po qd-bid for pain | 1 | 1-2
1 tab po qd with evening meal | 1 | 1
Day 1: 1 mg at bedtime; Day 2: 2 mg at bedtime; Days 3 through 14: 3 mg at bedtime | 1 | 1 x1d, 2 x1d, 3 x12d | ends
0.05 - 0.1mg/kg IV over 2-5 minutes every 15 minutes as needed | 1 | gap
7mg IV over 2-5 minutes every 15 minutes as needed | 1 | gap
Administer 10 MG (2.5 ML) every 4 hours as needed for pain. May give an additional 10 MG (2.5 ML) rescue dose | 1 | gap
5 times a day - Oral | 1 | gap
Use two sprays twice daily | 1 | gap
10 drops at night | 1 | gap
One 5ml spoonful to be taken every SIX hours | 1 | gap
1 tab every 12 days | 1 | gap
1 tab every 15 minutes as needed | 1 | gap
Follow directions | 1 | gap
??? | 1 | gap
1 tab q4h prn max 4 mg | 1 | gap
1 tab tid max 2 tabs per day | 1 | gap
100 tablets daily | 1 | gap
5000 mg daily | 1 | gap
Take 1 tablet by mouth daily for 7 days for 10 days | 1 | gap
1 tab bid, 2 tabs tid | 1 | gap
2 (three) tablets at night | 1 | gap
1 tab skip weekends | 1 | gap
Taper as tolerated | 1 | gap
1 tab bid, wean off slowly | 1 | gap
half the dose at night | 1 | gap
1 tab every 6 hours at bedtime | 1 | gap
once daily twice daily 1 tab | 1 | gap
2 | 1 | gap
1 tab nocte | 1 | 1
1 tab mane | 1 | 1
1 tab mane and 2 tabs nocte | 1 | 3
1 tab monthly | 1 | gap
1 mg TID x7d, 1 mg BID x7d, 1 mg daily x7d then STOP | 1 | 3 x7d, 2 x7d, 1 x7d | ends
Take 1-2 tablets (1-2 mg total) by mouth nightly as needed for Sleep. | 1 | 0-2 | prn
Take 1 tablet (1 mg) by mouth every morning AND 2 tablets (2 mg) every evening. | 1 | 3
TAKE 1/2 TO 1 TABLET BY MOUTH TWICE A DAY AS NEEDED FOR ANXIETY | 1 | 0-2 | prn
Take one tablet at 8 a.m. and two tablets at 9 p.m. | 1 | 3
Take 1 mg by mouth daily at bedtime. Starting on 3/4/2025. | 1 | 1
1 tab by mouth nightly prn sleep; may take second tab if needed | 1 | gap
1 mg IV push | 1 | gap
Take 1 tablet by mouth 1 hour prior to procedure. Bring remaining tablets to clinic. | 1 | 1 x1d | ends | 1 in all
1 tablet as needed for flying | 1 | gap
0.5mg qam + 1mg qhs | 1 | 1.5
1 mg tds | 1 | 3
1 mg od | 1 | 1
1 mg bd prn | 1 | 0-2 | prn
Two tablets at once | 1 | gap
1 tab po tid prn | 0.5 | 0-1.5 | prn
take 1/2 tab qhs | 0.5 | 0.25
2 mg twice daily | 0.5 | 4
0.5 mg twice daily | 2 | 1
2 bid | 0.5 | 2
2 bid | 2 | gap
two bid | 2 | 8
0.5 bid | 0.5 | gap
1/2 bid | 0.5 | 0.5
1 bid | 1 | 2
1 bid | 0.25 | 0.5
Take 1 mg (2 tablets) by mouth daily | 0.5 | 1
Take 2 tablets (1 mg total) by mouth at bedtime | 0.5 | 1
2 x 0.5 mg tablets bid | 0.5 | 2
two 0.5 mg tablets at night | 0.5 | 1
2 tablets of 0.5 mg at night | 0.5 | 1
2 tablets (0.5 mg each) at night | 0.5 | 1
take 1 tablet (0.5 mg) bid | 1 | gap
1 tab bid | none | gap
2 mg bid | none | 4
2 tablets (1 mg) bid | none | 2
2 x 0.5 mg tablets bid | none | 2
1 tab q4h prn max 2 mg per day | 0.25 | 0-1.5 | prn
1 tab tid prn not to exceed 2 mg/day | 1 | 0-2 | prn
Lorazepam 0.5 mg oral tablet twice daily | 0.5 | 1
40 mg tablet by mouth every day | 40 | 40
"""
ROWS = [[part.strip() for part in row.split(" | ")] for row in SIGS.strip().splitlines()]


def tablets(strength: str | None) -> Medication:
    mg = Decimal(strength) if strength else None
    return Medication("Lorazepam Oral Tablet", "lorazepam", strength=mg, form=Form.TABLET, ingredients=("lorazepam",))


def read(sig: str, strength: str | None = "1"):
    return regimen({"dosageInstruction": [{"text": sig}]}, tablets(strength), WORDS, LIMITS, "MedicationRequest/1")


def test_the_tables_of_words_load_without_a_problem() -> None:
    assert PROBLEMS.found == []


def test_there_are_at_least_150_sigs() -> None:
    assert len({row[0] for row in ROWS}) >= 150


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]} ({row[1]})")
def test_a_sig_is_read_as_its_line_says(row: list[str]) -> None:
    sig, strength, *expected = row
    found = read(sig, None if strength == "none" else strength)
    if expected == ["gap"]:
        assert found.value is None and len(found.gaps) == 1
    else:
        assert found.value is not None, found.gaps
        assert written(found.value).parts == expected and found.gaps == ()
        assert all(step.dose.basis is Basis.TEXT for step in found.value.steps)


@pytest.mark.parametrize(
    ("sig", "times"),
    [
        ("1 mg AM, 0.5 mg noon, 1 mg HS", {"morning": "1", "midday": "0.5", "night": "1"}),
        ("one in the morning and two at bedtime", {"morning": "1", "night": "2"}),
        ("1 tab with breakfast and 1/2 tab with supper", {"morning": "1", "evening": "0.5"}),
        ("1 tab am & pm", {"morning": "1", "evening": "1"}),
        ("1 tab at 08:00 and 22:00", {"morning": "1", "night": "1"}),
        ("1 tab tid and 2 at bedtime", {}),
        ("1 tab tid", {}),
    ],
)
def test_parts_of_the_day_are_kept_where_every_dose_has_one(sig: str, times: dict[str, str]) -> None:
    found = read(sig).value
    assert found is not None
    assert found.first.times == tuple((DayTime(part), Decimal(mg)) for part, mg in times.items())


@pytest.mark.parametrize(
    ("sig", "says"),
    [
        ("1 tab tid", "1 mg x 3"),
        ("1/2-1 tab qid prn", "0.5 to 1 mg x 4 as needed"),
        ("1 tab am and 2 tabs at night", "1 mg morning + 2 mg night"),
        ("1 tab q4h prn max 3 mg per day", "1 mg x 6 as needed, at most 3 mg a day"),
        ("1 tab every other day", "1 mg x 1, on 3.5 days a week"),
    ],
)
def test_a_dose_says_its_sum_as_a_clinician_writes_it(sig: str, says: str) -> None:
    found = read(sig).value
    assert found is not None and found.first.says == says


@pytest.mark.parametrize(
    ("sig", "strength"),
    [
        ("Take 1 mg (2 tablets) daily", "1"),
        ("2 (three) tablets at night", "1"),
        ("1 tab every 6 hours at bedtime", "1"),
        ("2 bid", "2"),
    ],
)
def test_a_sig_that_contradicts_itself_is_a_contradiction_and_not_a_pick(sig: str, strength: str) -> None:
    found = read(sig, strength)
    assert found.value is None and [gap.kind for gap in found.gaps] == [GapKind.CONTRADICTION]


def test_a_gap_never_repeats_the_words_of_the_sig() -> None:
    gap = read("1 tablet bid, given by Eleanor Rigby").gaps[0]
    assert "Rigby" not in gap.says and gap.resource == "MedicationRequest/1"


def test_words_that_change_a_dose_leave_it_unread_though_the_rest_is_plain() -> None:
    for word in (
        "except Sunday",
        "alternating with 2 tabs",
        "increase to 2 tabs",
        "decrease by half",
        "skip weekends",
        "then taper",
    ):
        assert read(f"1 tab bid, {word}").value is None, word


def test_a_range_of_weeks_in_a_taper_gives_its_shortest_length() -> None:
    found = read("1 tab bid for 2-4 weeks, then 1/2 tab bid for 2 weeks, then stop").value
    assert found is not None and [step.days for step in found.steps] == [14, 14] and found.ends


@given(st.sampled_from(["1 tab po tid prn", "take 1/2 tab qhs", "1-2 tablets q6h"]), st.integers(1, 40))
def test_a_dose_in_tablets_scales_with_the_strength(sig: str, quarters: int) -> None:
    strength = Decimal(quarters) / 4
    one, other = read(sig, "1").value, read(sig, str(strength)).value
    assert one is not None and other is not None
    assert other.first.mg == one.first.mg.times(strength)


@given(st.sampled_from(["2 mg bid", "0.5 mg q8h prn", "3 mg at bedtime"]), st.integers(1, 40))
def test_a_dose_in_mg_does_not(sig: str, quarters: int) -> None:
    one, other = read(sig, "1").value, read(sig, str(Decimal(quarters) / 4)).value
    assert one is not None and other is not None and other.first.mg == one.first.mg


PIECES = st.sampled_from(
    re.findall(
        r"\S+",
        "1 2 0.5 1/2 ½ one half tab tablets mg mL bid q6h every hours day days daily at bedtime night prn as needed max up to"
        " for x then stop ( ) , . ; - and or with meals week weeks mon not except total of 8am a £ ٣ ² 99999999999 1,5 1/0",
    )
)


@given(st.lists(PIECES, max_size=14).map(" ".join) | st.text(max_size=60))
def test_any_text_gives_a_dose_or_a_gap_and_never_an_error(text: str) -> None:
    found = read(text)
    assert (found.value is None) == bool(found.gaps)
