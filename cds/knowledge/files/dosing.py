"""Reads `rules/drugs/dosing.yaml`: what the words and codes of a dosage mean, compiled once into tables and one scanner."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from itertools import product
from typing import Any

from cds.knowledge.fields import Fields
from cds.knowledge.position import Position
from cds.knowledge.problems import Problems
from cds.knowledge.yaml_text import Items, Node, Pairs, Scalar, read

MEASURES = ("product", "mg", "mL", "refused")
OF_ENTRY = {
    "time_units": (("seconds", "words"), ()),
    "dose_units": (("measures", "words", "codes"), ("of_one",)),
    "when": (("doses",), ("part", "any", "single")),
    "frequencies": (("phrases",), ("doses", "most", "days")),
}
"""Of tables with an entry for each word: the keys that each entry has, and those that it may have."""
PARTS = ("morning", "midday", "evening", "night")
OF_TABLE = {
    "parts_from_hour": PARTS,
    "parts": PARTS,
    "weekdays": ("mon", "tue", "wed", "thu", "fri", "sat", "sun"),
    "meals": ("doses", "phrases"),
    "frequency_phrases": ("times", "times_a_day", "times_a_week", "days_a_week", "every", "every_hours", "every_days", "per"),
    "sig": (
        "number", "one", "as_needed", "if", "up_to", "most", "total", "then", "stop", "lasts", "span", "step_label",
        "doses_in_all", "single", "procedure", "offset", "repeat", "rate", "changes", "change_to", "doubts", "through", "take",
        "supply", "supplied", "places", "starts", "warning", "severity", "tolerated", "reason", "and", "or", "of", "x", "equals",
        "as_directed", "ignore",
    ),
}  # fmt: skip
"""Of tables that are one mapping: its keys."""


def check_shape(root: Pairs, problems: Problems) -> None:
    """Reports a key of the tables that is missing, or that nothing reads, and a unit that is counted in no known way."""
    for table, keys in OF_TABLE.items():
        Fields(root.get(table), problems, keys)
    for table, (required, optional) in OF_ENTRY.items():
        for entry in _entries(root.get(table)):
            fields = Fields(entry, problems, required, optional)
            if table == "dose_units":
                _check_unit(fields, problems)
            if table == "frequencies" and not fields.keys.keys() & {"doses", "days"}:
                seen = "it is not said how often this is: neither `doses` nor `days` stands here."
                problems.add("RULE021", fields.position, seen, "", "Add `doses:` a day, or every how many `days:`.")


def _check_unit(fields: Fields, problems: Problems) -> None:
    measures = fields.one_of("measures", MEASURES)
    counted: Collection[str | None] = ("mg", "mL")
    if measures in counted and fields.node("of_one") is None:
        seen = f"it is not said how many {measures} one of this unit is."
        problems.add("RULE021", fields.position, seen, "", "Add `of_one:`.")


def _entries(node: Node | None) -> Iterator[Node]:
    if isinstance(node, Pairs):
        yield from (value for _, value in node.pairs)
    elif isinstance(node, Items):
        yield from node.items


FILE = "drugs/dosing.yaml"
TABLES = (
    "time_units", "dose_units", "supply_counts", "timing_codes", "when", "parts_from_hour", "numbers", "ordinals", "fractions",
    "frequencies", "frequency_phrases", "parts", "same_part", "meals", "weekdays", "weekday_letters", "weekday_groups", "clock",
    "sig", "abbreviations",
)  # fmt: skip
COUNTED = "§"
"""Stands before a number that was written as a word or a fraction, once the text is evened out."""
NUMERAL = "0"
NUMBER = COUNTED + r"?(?:\d+(?:\.\d+)?|\.\d+)(?!\d|/\d)"
CLOCK = r"(?P<{0}h>\d{{1,2}})(?=\s*[ap]m|:)(?::[0-5]\d(?:\s*(?:hrs|h|hours)(?![a-z]))?)?(?:\s*(?P<{0}x>am|pm)(?![a-z]))?"
ATOM = re.compile(r"[^\W\d_]+(?:'[a-z]+)?|\d+(?:\.\d+)?|\.\d+|\S")
"""One word, number or sign of a text; hyphens between words don't count."""
INITIAL = re.compile(r"[a-z]+|.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Unit:
    """What an amount is counted in: `measures` is product, mg, mL or refused; `of_one` how many mg or mL one of it is."""

    name: str
    measures: str
    of_one: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True)
class When:
    """A code of Timing.repeat.when: how many doses a day, at which part; `any` where meals are not named one by one."""

    doses: Decimal
    part: str | None
    any: bool
    single: bool


@dataclass(frozen=True, slots=True)
class Phrase:
    """What one alternative of the scanner means: its kind, and the table's value for it."""

    kind: str
    value: Any = None


@dataclass(frozen=True, slots=True)
class SpelledNumbers:
    """Expressions for numbers in words: `every third`, `three quarters`, `one and a half`, `half a`, `three`."""

    ordinal: re.Pattern[str]

    three_quarters: re.Pattern[str]
    mixed: re.Pattern[str]
    fraction: re.Pattern[str]
    whole: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Dosing:
    """The tables of `dosing.yaml`, ready to look up, and the scanner of sig words."""

    tables: Mapping[str, Any]
    seconds: Mapping[str, int] = field(default_factory=dict)
    """Length of a unit of time by its UCUM code and by every spelling."""
    units: Mapping[str, Unit] = field(default_factory=dict)
    """By spelling."""
    unit_codes: Mapping[str, Unit] = field(default_factory=dict)
    """By SNOMED CT code."""
    supply_counts: frozenset[str] = frozenset()
    timing_codes: Mapping[str, str] = field(default_factory=dict)
    when: Mapping[str, When] = field(default_factory=dict)
    hours: tuple[tuple[int, str], ...] = ()
    """From which hour which part of the day begins, latest first."""
    numbers: Mapping[str, Decimal] = field(default_factory=dict)
    ordinals: Mapping[str, str] = field(default_factory=dict)
    fractions: Mapping[str, Decimal] = field(default_factory=dict)
    spelled: SpelledNumbers | None = None
    same_part: Mapping[str, str] = field(default_factory=dict)
    letters: Mapping[str, str] = field(default_factory=dict)
    """Days of the week by the letters that stand for the ends of a range."""
    meal_doses: Decimal = Decimal(0)
    abbreviations: frozenset[str] = frozenset()
    literals: Mapping[str, Phrase] = field(default_factory=dict)
    """Phrases without a number, by their atoms with a space between."""
    prefixes: frozenset[str] = frozenset()
    """Every beginning of them."""
    scanners: Mapping[str, re.Pattern[str]] = field(default_factory=dict)
    """Phrases with a number, by what a text begins with, see `initial`."""
    phrases: Mapping[str, Phrase] = field(default_factory=dict)
    """What each group of a scanner means."""


def dosing(files: Mapping[str, bytes], problems: Problems) -> Dosing:
    """The words of dosages from the file named `.../drugs/dosing.yaml`; what is wrong in it becomes problems."""
    name = next((file for file in files if file.endswith(FILE)), None)
    if name is None:
        problems.add("RULE010", Position(f"rules/{FILE}"), "the file is missing.", "", "Restore it.")
        return Dosing({})
    before = len(problems.found)
    node = read(f"rules/{name}", files[name], problems)
    tables = plain(node) if isinstance(node, Pairs) else {}
    for key, position in [(pair[0].text, pair[0].position) for pair in node.pairs] if isinstance(node, Pairs) else []:
        if key not in TABLES:
            problems.add("RULE020", position, f"`{key}` is no key that is known here.", f"Known: {', '.join(TABLES)}.")
    for key in (key for key in TABLES if key not in tables):
        problems.add("RULE021", Position(f"rules/{name}"), f"`{key}` is missing.", "", f"Add `{key}:`.")
    if isinstance(node, Pairs):
        check_shape(node, problems)
    if len(problems.found) > before:
        return Dosing(tables)
    try:
        return compiled(tables)
    except (KeyError, ValueError, TypeError, AttributeError, InvalidOperation, re.error) as error:
        seen = f"a table has not the expected shape ({type(error).__name__}: {error})."
        problems.add("RULE022", Position(f"rules/{name}"), seen)
        return Dosing(tables)


def plain(node: Node | None) -> Any:
    """The node as dict, list and text."""
    if isinstance(node, Pairs):
        return {key.text: plain(value) for key, value in node.pairs}
    if isinstance(node, Items):
        return [plain(item) for item in node.items]
    return node.text if isinstance(node, Scalar) else None


def compiled(tables: Mapping[str, Any]) -> Dosing:
    """The tables with every spelling looked up by one key and every phrase in one expression."""
    numbers = {word: Decimal(value) for word, value in tables["numbers"].items()}
    words = {word: int(row["seconds"]) for row in tables["time_units"].values() for word in row["words"]}
    units = {name: Unit(name, row["measures"], Decimal(row.get("of_one", "1"))) for name, row in tables["dose_units"].items()}
    writer = _Writer(list(words), numbers)
    rows = list(phrases(tables, units))
    literals = {key: phrase for text, phrase in reversed(rows) if not writer.holds_number(text) for key in writer.spelled(text)}
    scanners, meanings = scan([row for row in rows if writer.holds_number(row[0])], writer)
    return Dosing(
        tables,
        seconds={**words, **{code: int(row["seconds"]) for code, row in tables["time_units"].items()}},
        units={word: units[name] for name, row in tables["dose_units"].items() for word in row["words"]},
        unit_codes={code: units[name] for name, row in tables["dose_units"].items() for code in row["codes"]},
        supply_counts=frozenset(tables["supply_counts"]),
        timing_codes=tables["timing_codes"],
        when={
            code: When(Decimal(row["doses"]), row.get("part"), row.get("any") == "yes", row.get("single") == "yes")
            for code, row in tables["when"].items()
        },
        hours=tuple(sorted(((int(hour), part) for part, hour in tables["parts_from_hour"].items()), reverse=True)),
        numbers=numbers,
        ordinals=tables["ordinals"],
        fractions={word: Decimal(value) for word, value in tables["fractions"].items()},
        spelled=spelled_numbers(numbers, tables["fractions"], tables["ordinals"]),
        same_part=tables["same_part"],
        letters=tables["weekday_letters"],
        meal_doses=Decimal(tables["meals"]["doses"]),
        abbreviations=frozenset(tables["abbreviations"]),
        literals=literals,
        prefixes=frozenset(" ".join(key.split()[:count]) for key in literals for count in range(1, len(key.split()) + 1)),
        scanners=scanners,
        phrases=meanings,
    )


def spelled_numbers(numbers: Iterable[str], fractions: Iterable[str], ordinals: Iterable[str]) -> SpelledNumbers:
    """The expressions for the number words of the tables. "Half the dose" is no number."""
    words = "|".join(sorted(numbers, key=len, reverse=True))
    parts = "|".join(word for word in fractions if word.isalpha())
    of_one = r"(?:\s+(?:of\s+)?(?:an?|one)\b)?"
    return SpelledNumbers(
        ordinal=re.compile(rf"\b(?<=every )({'|'.join(ordinals)})(?= (?:day|night|morning|evening)s?\b)"),
        three_quarters=re.compile(r"\bthree[\s-]+quarters\b" + of_one),
        mixed=re.compile(rf"\b({words}|\d+(?:\.\d+)?)\s+and\s+(?:an?\s+|(?:one|1)[\s-]+)?({parts}|{COUNTED}0\.\d+)(?![\w.])"),
        fraction=re.compile(rf"\b(?:(?:one|1|a)[\s-]+)?({parts})\b(?!\s+(?:of\s+)?(?:the|dose)\b){of_one}"),
        whole=re.compile(rf"\b({words})\b(?!')"),
    )


def scan(rows: Iterable[tuple[str, Phrase]], writer: _Writer) -> tuple[dict[str, re.Pattern[str]], dict[str, Phrase]]:
    """One expression for each beginning, the longest phrase first, and the meaning of its groups."""
    beginnings: dict[str, list[tuple[tuple[str, ...], Phrase]]] = {}
    for text, phrase in rows:
        for pieces in writer.variants(text):
            beginnings.setdefault(writer.key(pieces), []).append((pieces, phrase))
    scanners, meanings = {}, {}
    for number, (beginning, found) in enumerate(beginnings.items()):
        found.sort(key=lambda row: writer.length(row[0]), reverse=True)
        written = []
        for index, (pieces, phrase) in enumerate(found):
            group = f"g{number}x{index}_"
            meanings[group] = phrase
            written.append(f"(?P<{group}>{writer.expression(pieces, group)})")
        scanners[beginning] = re.compile("|".join(written))
    return scanners, meanings


def initial(text: str, place: int = 0) -> str:
    """What the text begins with at a place: a run of letters, NUMERAL, or one sign."""
    match = INITIAL.match(text, place)
    found = match[0] if match else ""
    return NUMERAL if found.isdigit() or found in {COUNTED, "."} else found


def phrases(tables: Mapping[str, Any], units: Mapping[str, Unit]) -> Iterable[tuple[str, Phrase]]:
    """Every phrase of the sig tables with what it means."""
    for name, row in tables["dose_units"].items():
        yield from ((word, Phrase("unit", units[name])) for word in row["words"])
    for row in tables["frequencies"]:
        value = (_optional(row.get("doses")), _optional(row.get("most", row.get("doses"))), _optional(row.get("days")))
        yield from ((phrase, Phrase("often", value)) for phrase in row["phrases"])
    for part, spellings in tables["parts"].items():
        yield from ((phrase, Phrase("part", part)) for phrase in spellings)
    for day, spellings in tables["weekdays"].items():
        yield from ((f"(on) (every|each|q) {word}", Phrase("weekdays", (day,))) for word in spellings)
    for word, days in tables["weekday_groups"].items():
        yield (word, Phrase("weekdays", tuple(days)))
    yield from ((phrase, Phrase("meals")) for phrase in tables["meals"]["phrases"])
    yield from ((phrase, Phrase("clock")) for phrase in tables["clock"])
    for group in (tables["frequency_phrases"], tables["sig"]):
        for kind, spellings in group.items():
            yield from ((phrase, Phrase(kind)) for phrase in spellings)


def _optional(value: str | None) -> Decimal | None:
    return None if value is None else Decimal(value)


class _Writer:
    """Writes the phrases of the tables as regular expressions."""

    def __init__(self, times: list[str], numbers: Mapping[str, Decimal]) -> None:
        self.time = "|".join(re.escape(word) for word in sorted(times, key=len, reverse=True))
        self.numbers = {word: str(value) for word, value in numbers.items()}

    def holds_number(self, phrase: str) -> bool:
        return "{" in phrase or "~" in phrase

    def spelled(self, phrase: str) -> Iterator[str]:
        """A phrase without numbers in every form that it may take, its atoms with a space between."""
        choices = [((*piece[1:-1].split("|"), "") if piece.startswith("(") else piece.split("|")) for piece in phrase.split()]
        for chosen in product(*choices):
            atoms = ATOM.findall(" ".join(chosen).replace("_", " "))
            yield " ".join(self.numbers.get(atom, atom) for atom in atoms if atom != "-")

    def variants(self, phrase: str) -> Iterator[tuple[str, ...]]:
        """The pieces of a phrase, once for each choice of what may be left out in front, and of the first word."""
        pieces = phrase.split()
        front = next(index for index, piece in enumerate(pieces) if not piece.startswith("("))
        for kept in product(*(((), (piece[1:-1],)) for piece in pieces[:front])):
            chosen = (*(piece for part in kept for piece in part), *pieces[front:])
            first = chosen[0].split("|") if "{" not in chosen[0] else [chosen[0]]
            yield from ((word.replace("_", " "), *chosen[1:]) for word in first)

    def key(self, pieces: tuple[str, ...]) -> str:
        """What a text begins with where the phrase may match: its first letters, NUMERAL, or a sign."""
        word = pieces[0].split()[0]
        return NUMERAL if word.startswith("{") or word in self.numbers or word[0].isdigit() else initial(word)

    def length(self, pieces: tuple[str, ...]) -> tuple[int, int]:
        """About how long a text the phrase matches: the scanner tries the longest first."""
        shown = [piece for piece in pieces if not piece.startswith("~")]
        return sum(3 if "{" in piece else max(map(len, piece.split("|"))) + 1 for piece in shown), len(pieces)

    def expression(self, pieces: tuple[str, ...], group: str) -> str:
        written, loose = "", True
        for piece in pieces:
            if piece.startswith("~"):
                written += rf"(?=[\s-]+(?:{self.choice(piece[1:])})(?![a-z]))"
                continue
            optional, inner = piece.startswith("("), piece.strip("()")
            holds_number = "{" in inner or not inner[0].isalpha()
            gap = "" if not written else r"[\s-]*" if holds_number or loose else r"[\s-]+"
            written += f"(?:{gap}{self.piece(inner, group)})?" if optional else gap + self.piece(inner, group)
            loose = holds_number or (optional and loose)
        last = [piece for piece in pieces if not piece.startswith("~")][-1].strip("()")
        return written + (r"(?![a-z])" if last[-1].isalpha() or last.endswith("{time}") else "")

    def piece(self, piece: str, group: str) -> str:
        parts = re.split(r"(\{\w+\})", piece)
        return "".join(self.placeholder(part, group) if part.startswith("{") else self.choice(part) for part in parts if part)

    def placeholder(self, name: str, group: str) -> str:
        if name == "{n}":
            return rf"(?P<{group}low>{NUMBER})(?:\s*(?:-|to|or)\s*(?P<{group}high>{NUMBER}))?"
        if name == "{n2}":
            return rf"(?P<{group}second>{NUMBER})"
        if name == "{time}":
            return rf"(?P<{group}time>{self.time})"
        if name == "{clock}":
            return CLOCK.format(group)
        if name == "{hours}":
            return rf"(?P<{group}h>[01]\d|2[0-3])[0-5]\d(?!\d)"
        raise ValueError(f"{name} is no placeholder")

    def choice(self, text: str) -> str:
        words = [self.word(word) for word in sorted(text.split("|"), key=len, reverse=True)]
        return words[0] if len(words) == 1 else f"(?:{'|'.join(words)})"

    def word(self, word: str) -> str:
        return r"[\s-]+".join(self.one_word(part) for part in word.replace("_", " ").split())

    def one_word(self, word: str) -> str:
        number = self.numbers.get(word, word if word.isdigit() else None)
        return re.escape(word) if number is None else rf"{COUNTED}?{number}(?![\d.]\d?)"
