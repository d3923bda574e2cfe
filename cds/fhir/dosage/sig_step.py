"""One step of a sig, read from left to right: its doses, how often, what limits them, and how long it lasts."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

from cds.fhir.dosage.dose_statement import Cap, Intake, Said
from cds.fhir.dosage.dose_units import WrittenDose
from cds.fhir.dosage.sig_doses import Doses
from cds.fhir.dosage.sig_neighbours import PER_WEEK
from cds.fhir.dosage.sig_times import Intervals, days_for, timing_of
from cds.fhir.dosage.sig_words import Token
from cds.fhir.dosage.timing import DAY, Timing, whole_days
from cds.fhir.dosage.unreadable import ReadingLimits, Unreadable, contradiction
from cds.knowledge.files.dosing import Dosing

UNKNOWN_WORDS = "The directions hold words that could not be read."
CHANGES = "The directions change the dose in words that could not be read."
AS_DIRECTED = "The directions do not say how much is taken or how often."
TIMING_KINDS = frozenset(
    {
        "often",
        "times",
        "times_a_day",
        "times_a_week",
        "days_a_week",
        "every",
        "every_hours",
        "every_days",
        "per",
        "part",
        "meals",
        "weekdays",
        "clock",
    }
)
DOSE_KINDS = TIMING_KINDS | frozenset(
    {
        "number",
        "one",
        "unit",
        "as_needed",
        "up_to",
        "most",
        "total",
        "then",
        "stop",
        "lasts",
        "span",
        "step_label",
        "doses_in_all",
        "single",
    }
    | {"procedure", "repeat", "rate", "changes", "change_to", "doubts", "or", "if"}
)
AMOUNT_KINDS = frozenset({"number", "one"})
QUIET = frozenset(
    {"ignore", "comma", "take", "severity", "tolerated", "as_directed", "offset", "x", "equals", "of", "reason", "step_label"}
)


class StepReader:
    """Reads the tokens of one step from left to right."""

    def __init__(self, segment: list[Token], dosing: Dosing, limits: ReadingLimits) -> None:
        self.tokens = segment
        self.dosing = dosing
        self.limits = limits
        self.doses = Doses(dosing)
        self.intervals = Intervals()
        self.place = 0
        self.said_needed = False
        self.reason = False
        self.conditional = False
        self.up_to = False
        self.directed = False
        self.changed = False
        self.cap: Cap | None = None
        self.days: int | None = None
        self.single: int | None = None
        self.once = False
        self.repeats = 0
        self.in_all: int | None = None
        self.most_times: Decimal | None = None
        self.most_days: Decimal | None = None
        self.most_a_week: WrittenDose | None = None

    def said(self) -> Said:
        while self.place < len(self.tokens):
            self.step(self.tokens[self.place])
        intakes = self._at_most(self.doses.intakes())
        if not intakes and not self.said_needed and self.single is None:
            raise Unreadable(AS_DIRECTED, silent=True)
        single = self._single(len(intakes), any(intake.timing for intake in intakes))
        if self.repeats:
            again = Timing(Decimal(1), Decimal(1 + self.repeats))
            intakes = tuple(replace(intake, timing=intake.timing or again) for intake in intakes)
        if any(amount.low == 0 < amount.high for amount in (intake.amount for intake in intakes) if amount):
            self.said_needed = True
        return Said(
            intakes=intakes,
            as_needed=self.said_needed,
            cap=self.cap,
            total=self.doses.total,
            days=self.days,
            single=single,
            once=self.once,
            most_times=self.most_times,
            most_days=self.most_days if self.most_a_week is None else days_for(self.most_a_week, intakes),
        )

    def _at_most(self, intakes: tuple[Intake, ...]) -> tuple[Intake, ...]:
        """A dose of which only the most in a day is said ("1 tablet, at most 3 times a day") is taken as needed."""
        if len(intakes) != 1 or intakes[0].timing is not None or self.most_times is None or self.single is not None:
            return intakes
        self.said_needed = True
        return (replace(intakes[0], timing=Timing(Decimal(1), self.most_times)),)

    def _single(self, intakes: int, timed: bool) -> int | None:
        """How many doses there are in all, where that is said."""
        if self.in_all is not None:
            return self.in_all
        if self.single is None:
            if self.repeats:
                raise Unreadable(CHANGES)
            return None
        if timed and (self.once or self.doses.repeated()):
            raise contradiction("The directions ask for a single dose and for repeated ones.")
        return max(intakes, 1) + self.repeats

    def peek(self, *kinds: str, ahead: int = 1) -> Token | None:
        """The token so many places ahead, where it is of one of the kinds."""
        at = self.place + ahead
        return self.tokens[at] if at < len(self.tokens) and self.tokens[at].kind in kinds else None

    def step(self, token: Token) -> None:
        kind = token.kind
        if kind == "rate":
            raise Unreadable("The dose is given by weight or as a rate.")
        if kind in {"changes", "stop", "doubts", "through"}:
            raise Unreadable(CHANGES)
        if kind == "word":
            self.unknown()
        elif kind == "or":
            self.choice()
        elif kind in {"number", "one"}:
            self.number()
        elif kind in TIMING_KINDS:
            self.when(token)
        elif kind in QUIET:
            self.directed |= kind == "as_directed"
            if kind == "take":
                self.doses.taken()
            if self.changed and kind == "tolerated":
                raise Unreadable(CHANGES)
            self.reason |= kind == "reason"
            self.doses.pause(kind)
            self.intervals.pause(kind)
            self.place += 1
        else:
            self.steering(token)

    def unknown(self) -> None:
        """An unknown word is part of a reason ("prn anxiety"), or stops the reading."""
        if not self.reason:
            raise Unreadable(UNKNOWN_WORDS, silent=True)
        self.place += 1

    def steering(self, token: Token) -> None:
        """A word that is neither a dose nor a time."""
        kind = token.kind
        self.place += 1
        if self.changed and kind in {"as_needed", "if", "up_to", "most"}:
            raise Unreadable(CHANGES)
        if kind == "change_to":
            if self.peek("number", "one", *TIMING_KINDS, ahead=0) is None:
                raise Unreadable(CHANGES)
            self.changed = True
        elif kind == "as_needed" or kind == "if":
            self.said_needed = self.reason = True
            self.conditional |= kind == "if"
        elif kind == "and":
            self.doses.pause("and")
        elif kind == "up_to":
            self.up_to = True
        elif kind == "most":
            self.most(daily="dail" in token.text or "day" in token.text or token.text == "mdd")
        elif kind == "span":
            self.span(token)
        elif kind == "lasts":
            self.length(token)
        elif kind == "doses_in_all":
            self.in_all = int(token.high or 1)
        elif kind in {"single", "procedure"}:
            self.single = 1
            self.once |= token.text == "once"
        elif kind == "repeat":
            self.repeats += 1
        elif kind == "total":
            self.total()
        elif kind == "open":
            self.intervals.pause("comma")
            self.bracket()
        elif kind != "close":
            raise Unreadable(UNKNOWN_WORDS, silent=True)

    def span(self, token: Token) -> None:
        """A bare length at the end of a whole dose ("twice a day, 90 days") is how long it is taken."""
        rest = {other.kind for other in self.tokens[self.place :]}
        timed = self.doses.has_amount and all(dose.timings for dose in self.doses.found)
        if not timed or rest - QUIET - {"sentence", "as_needed"}:
            raise Unreadable(UNKNOWN_WORDS, silent=True)
        self.length(token)

    def length(self, token: Token) -> None:
        spelled = re.findall(r"[a-z]+", token.text)[-1]
        low = token.low if token.low is not None else Decimal(1)
        if low * self.dosing.seconds[spelled] % DAY:
            raise Unreadable("The directions name a length of time that is not one of whole days.")
        days = whole_days(low, self.dosing.seconds[spelled])
        if self.days is not None and self.days != days:
            raise contradiction("The directions name two different lengths of time.")
        self.days = days

    # Amounts ----------------------------------------------------------------------------------------------------------

    def choice(self) -> None:
        """A word for a choice is harmless in a reason ("for anxiety or panic") and unreadable elsewhere."""
        if not (self.reason and self.peek("word", "ignore", "severity")):
            raise Unreadable(CHANGES)
        self.place += 1

    def number(self) -> None:
        if self.conditional:
            raise Unreadable(CHANGES)
        amount, self.place = self.doses.amount(self.tokens, self.place)
        self.intervals.amount()
        self.reason = False
        if self.doses.has_amount and self._of_the_day():
            self.doses.whole_day(amount)
            return
        if self.up_to:
            self.up_to = False
            if self.doses.has_amount:
                self.cap = Cap(amount, self._a_day())
                return
            amount = replace(amount, low=Decimal(0))
            self.said_needed = True
        self.doses.take(amount)

    def _of_the_day(self) -> bool:
        """Whether an amount is the sum of a day ("2 mg total/day"); the words that say so are taken."""
        total = self.peek("total", ahead=0)
        if total is None:
            return False
        often = self.peek("often", ahead=1)
        a_day = often is not None and often.value[1] in {None, 1} and often.value[2] in {None, 7}
        if "daily" not in total.text and not a_day:
            return False
        self.place += 2 if a_day else 1
        return True

    def most(self, *, daily: bool) -> None:
        """The highest amount, or number of doses, that may be taken; `daily` where its words already say in a day."""
        while self.peek("ignore", "comma", "total", "often", ahead=0):
            daily |= self.tokens[self.place].kind == "often"
            self.place += 1
        if slash := self.peek("per", ahead=0):
            day = Token("often", (None, None, Decimal(7)))
            if self.dosing.seconds[slash.time or ""] != DAY:
                raise Unreadable("The directions name a highest amount that could not be read.")
            self.tokens[self.place : self.place + 1] = [replace(slash, kind="number"), day]
        times = self.peek("times", "times_a_day", "times_a_week", ahead=0)
        if times:
            self.place += 1
            self._limit(self.timing(times))
            return
        if self.peek("number", "one", ahead=0) is None:
            raise Unreadable("The directions name a highest amount that could not be read.")
        amount, self.place = self.doses.amount(self.tokens, self.place)
        if (week := self.peek("word", ahead=0)) and week.text == PER_WEEK and not daily:
            self.place += 1
            self.most_a_week = amount
            return
        cap = Cap(amount, self._a_day() or daily)
        if self.cap is not None and self.cap != cap:
            raise Unreadable("The directions name two highest amounts.")
        self.cap = cap

    def _limit(self, timing: Timing) -> None:
        self.most_days = timing.days if timing.days is not None and timing.days < 7 else self.most_days
        if timing.days is None or timing.days == 7:
            self.most_times = timing.high

    def _a_day(self) -> bool:
        """Whether "a day" follows; the words are taken. Another time refuses."""
        while self.peek("ignore", "total", ahead=0):
            self.place += 1
        often = self.peek("often", ahead=0)
        if often is None:
            if any(self.peek(kind, ahead=0) for kind in ("times_a_week", "every", "times")):
                raise Unreadable("The directions name a highest amount that could not be read.")
            return False
        _, doses, days = often.value
        if doses not in {None, Decimal(1)} or days not in {None, Decimal(7)}:
            raise Unreadable("The directions name a highest amount that could not be read.")
        self.place += 1
        return True

    def total(self) -> None:
        """A written sum: of the day where "a day" stands with it, else of the dose."""
        if self.peek("number", "one", ahead=0) is None:
            return
        said_daily = "daily" in self.tokens[self.place - 1].text
        amount, self.place = self.doses.amount(self.tokens, self.place)
        if self._a_day() or said_daily:
            self.doses.whole_day(amount)
        else:
            self.doses.also(amount)

    def bracket(self) -> None:
        """Words in brackets: the same dose in another unit, the sum of the day, or words like any other."""
        end = next((at for at in range(self.place, len(self.tokens)) if self.tokens[at].kind == "close"), None)
        inner = self.tokens[self.place : end] if end is not None else []
        if end is not None and not any(token.kind in DOSE_KINDS for token in inner):
            self.place = end + 1
            return
        if end is None or not any(token.kind in {"number", "one"} for token in inner):
            return
        if not self.doses.has_amount:
            return
        self.place = next(at for at in range(self.place, end) if self.tokens[at].kind in {"number", "one"})
        amount, self.place = self.doses.amount(self.tokens, self.place)
        rest = self.tokens[self.place : end]
        if any(token.kind not in QUIET | {"often", "total", "of", "unit"} for token in rest):
            raise Unreadable(UNKNOWN_WORDS, silent=True)
        if any(token.kind == "often" for token in rest) or any("daily" in token.text for token in rest):
            self.doses.whole_day(amount)
        elif any(token.kind == "of" for token in rest):
            self.doses.each(amount)
        else:
            self.doses.also(amount)
        self.place = end + 1

    # Times ------------------------------------------------------------------------------------------------------------

    def when(self, token: Token) -> None:
        self.reason = False
        if self._is_number(token):
            self.tokens[self.place : self.place + 1] = [
                Token("number", low=Decimal(token.text[0]), high=Decimal(token.text[0]), text=token.text[0]),
                Token("part", "morning" if "a" in token.text else "evening", text=token.text),
            ]
            return
        self.place += 1
        timing = self._or_more(self.timing(token))
        self.intervals.met(token, timing)
        if self.up_to:
            self.up_to = False
            if self.doses.current_often is not None:
                self._limit(timing)
                return
            self.said_needed = True
        later = any(other.kind in {"number", "one"} for other in self.tokens[self.place :])
        self.doses.time(timing, meals=token.kind == "meals", later=later)

    def _or_more(self, timing: Timing) -> Timing:
        """The timing with the second of "bid or tid"."""
        second = self.peek(*TIMING_KINDS) if self.peek("or", ahead=0) else None
        if second is None:
            return timing
        self.place += 2
        other = self.timing(second)
        if timing.high is None or other.high is None or other.high < timing.high or timing.days != other.days or other.parts:
            raise Unreadable(CHANGES)
        return replace(timing, high=other.high)

    def _is_number(self, token: Token) -> bool:
        """Whether "1 am" means one in the morning: a small number apart from its am or pm, with no clock time before."""
        if token.kind != "clock" or not re.fullmatch(r"[1-3]\s+[ap]m", token.text):
            return False
        return not any(other.kind == "clock" and other is not token for other in self.tokens[: self.place])

    def timing(self, token: Token) -> Timing:
        """What one timing phrase says."""
        return timing_of(token, self.dosing, self.limits)
