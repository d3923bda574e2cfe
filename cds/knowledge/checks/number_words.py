"""A number that a parameter holds, written out in a text that cards show: it would stay as it is when the parameter moves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from cds.core.quantity import Quantity
from cds.knowledge.files.parameters import NUMBERS
from cds.knowledge.model import Knowledge, Rule
from cds.knowledge.pages.rule_page import asked_numbers
from cds.knowledge.plan_basis import OF_A_CROSSOVER
from cds.knowledge.position import Position
from cds.knowledge.problems import Problems, listed
from cds.knowledge.site_overlay import is_local

WORDS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11,
    "twelve": 12, "fourteen": 14, "fifteen": 15, "twenty": 20, "thirty": 30,
}  # fmt: skip
IN_DAYS = {"day": 1, "week": 7}
NUMBER = rf"\d+(?:\.\d+)?|{'|'.join(WORDS)}"
AMOUNT = re.compile(
    rf"(?P<before>(?:\bwithin|\bafter|\{{\}} in(?: any)?) )?\b(?P<low>{NUMBER})(?:(?: to | or |-)(?P<high>{NUMBER}))? ?"
    r"(?P<unit>percent|%|days?|weeks?|mg diazepam|mg of diazepam|years?)(?![a-z])(?P<after> after)?",
    re.IGNORECASE,
)
"""What comes within or after so many days takes its course, and is no number of ours; nor is the time in which a cut counts."""
COUNTED = re.compile(r"(\d+|\{\{ count \}\}) \w+")
"""One unit of time and its name, as a sheet counts them."""
INSERTED = re.compile(r"\{\{.*?\}\}", re.DOTALL)
OF_EVERY_TEXT = ("crossover_shortest", *OF_A_CROSSOVER)


def check_number_words(knowledge: Knowledge, problems: Problems) -> None:
    """Reports each text of a card, a pace or the patient's sheet that writes out what a parameter holds.

    A statement of a source says what the source says, and may. A time is told only where a pace, a crossover or the rule itself
    counts with it: other times have the same length by chance.
    """
    paced = {name for pace in knowledge.paces.values() for part in NUMBERS if (name := getattr(pace, part))}
    common = frozenset(paced | {*OF_EVERY_TEXT})
    for pace in knowledge.paces.values():
        named = frozenset(filter(None, (getattr(pace, part) for part in NUMBERS)))
        for text in filter(None, (pace.says, pace.after_short_use, pace.says_where_moved)):
            _check(f"the pace {pace.id}", text, named, Position("rules/paces.yaml"), knowledge, problems)
    for name, text in knowledge.texts.items():
        _check(f"the text {name}", text, common, Position("rules/texts.yaml"), knowledge, problems)
    for language, sheet in knowledge.sheets.items():
        said = [*sheet.texts.values(), *(line for lines in sheet.lists.values() for line in lines)]
        for text in said:
            if not COUNTED.fullmatch(text):
                _check("the sheet", text, common, Position(f"rules/sheet/{language}.yaml"), knowledge, problems)
    for rule in knowledge.rules:
        asked = frozenset(asked_numbers(rule))
        for text in _texts_of(rule):
            _check(rule.id, text, common | asked, rule.position, knowledge, problems)
        for because in rule.because:
            if is_local(because.cite, knowledge):
                _check(rule.id, because.says, asked, rule.position, knowledge, problems)


def _texts_of(rule: Rule) -> Iterator[str]:
    """What a rule says on its card, or of its risk."""
    card, outcome = rule.card, rule.outcome
    shown = (card.summary, card.detail, card.in_full, card.also, card.if_we_cannot_tell) if card else ()
    of_risk = (outcome.says, outcome.watch, outcome.brief, outcome.danger, outcome.first, outcome.setting) if outcome else ()
    yield from filter(None, (*shown, *of_risk))


def _check(of: str, text: str, named: frozenset[str], at: Position, knowledge: Knowledge, problems: Problems) -> None:
    for written, amount in amounts(text):
        held = [
            parameter.name
            for parameter in knowledge.parameters.values()
            if (amount.unit not in ("days", "years") or parameter.name in named)
            and any(edition.value == amount for edition in parameter.editions)
        ]
        if held:
            seen = f"{of} says `{written}`, which {listed(held)} {'holds' if len(held) == 1 else 'hold'}."
            do = f"Write `{{{{ parameter.{held[0]} }}}}`, or leave the number out."
            problems.add("RULE125", at, seen, "A number that is written out stays when the parameter moves.", do)


def amounts(text: str) -> Iterator[tuple[str, Quantity]]:
    """Every amount that a text writes out, as it is written, in the units of parameters. What `{{ }}` inserts is none.

    >>> [str(amount) for _, amount in amounts("steps of about 5 percent, two to four weeks apart")]
    ['5 percent', '14 days', '28 days']
    """
    for match in AMOUNT.finditer(INSERTED.sub("{}", text)):
        unit = match["unit"].lower()
        if (match["before"] or match["after"]) and unit[:3] in ("day", "wee"):
            continue
        for number in filter(None, (match["low"], match["high"])):
            value = Decimal(WORDS.get(number.lower(), 0)) or Decimal(number)
            if unit.rstrip("s") in IN_DAYS:
                yield match[0].strip(), Quantity(value * IN_DAYS[unit.rstrip("s")], "days")
            elif unit.startswith("year"):
                yield match[0].strip(), Quantity(value, "years")
            else:
                yield match[0].strip(), Quantity(value, "percent" if unit in ("percent", "%") else "mg diazepam")
