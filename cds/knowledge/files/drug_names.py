"""How drug names are compared in any script, and the stems by which a name that no table holds shows what it is."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cds.core.medication import Medication
from cds.knowledge.files.misspelt import NO_NAMES, NearNames
from cds.knowledge.position import Position
from cds.knowledge.problems import Problems, listed

NATIONAL = ("name", "kind", "language", "means", "form", "source", "origin")
STEMS = ("stem", "kind", "language", "source", "origin")
NAME_KINDS = ("substance", "brand")
STEM_KINDS = ("benzodiazepine", "Z-drug")
UNLISTED = "unlisted-benzodiazepine"
"""The group of benzodiazepines and Z-drugs that the agents table doesn't hold."""
BY_STEM = Medication(
    "a medicine named like a benzodiazepine or Z-drug",
    None,
    frozenset({UNLISTED, "other-cns-depressant"}),
    ("a name with the stem of a benzodiazepine or Z-drug",),
)
"""What a word with a stem says; never the word itself, which is the client's."""

ENDING = 4
"""Letters that a language may add to a stem, as in `diazepamum`."""
WORD = re.compile(r"[a-z0-9]+|[α-ω]+|[а-яєіђјљњћџґ]+|[ァ-ヺー]+|[㐀-䶿一-鿿]")
"""A word of Latin, Greek or Cyrillic letters or of katakana; of Chinese characters, which no space parts, each by itself."""
SPELLED_OUT = str.maketrans(
    {"ß": "ss", "ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "ς": "σ"}
)
DENSE = re.compile(r"[㐀-䶿一-鿿]")


def folded(text: str) -> str:
    """The words of a text in small letters and without accents, one space between: how drug names are compared.

    >>> folded("LORazepam 0.5 MG [Ativan]"), folded("Лоразепам, табл."), folded("劳拉西泮片")
    ('lorazepam 0 5 mg ativan', 'лоразепам табл', '劳 拉 西 泮 片')
    """
    if text.isascii():
        return " ".join(WORD.findall(text.lower()))
    text = unicodedata.normalize("NFKD", text).lower().translate(SPELLED_OUT)
    return " ".join(WORD.findall("".join(letter for letter in text if not unicodedata.combining(letter))))


@dataclass(frozen=True, slots=True)
class Stems:
    """The stems of `rules/drugs/name-stems.csv`, folded: within a word, or as the characters of one that no space parts."""

    within: re.Pattern[str] | None = None
    phrases: tuple[str, ...] = ()
    names: NearNames = NO_NAMES

    def misspelt(self, tokens: Iterable[str]) -> tuple[str, ...]:
        """The words that are the name of one but for a letter or two."""
        return tuple(token for token in tokens if self.names.near(token))

    def found_in(self, tokens: Iterable[str], plain: str) -> tuple[str, ...]:
        """The words with a stem among tokens, and the stems among the characters of folded text."""
        within = self.within
        words = [token for token in tokens if within.search(token)] if within else []
        spaced = f" {plain} "
        return (*words, *(phrase for phrase in self.phrases if f" {phrase} " in spaced))


NO_STEMS = Stems()


def stems(table: Iterable[tuple[Position, dict[str, str]]], problems: Problems) -> Stems:
    """The stems of a table."""
    within: list[str] = []
    phrases: list[str] = []
    for position, row in table:
        stem = folded(row["stem"])
        if not stem or row["kind"] not in STEM_KINDS or not row["language"]:
            seen = f"`{row['stem']}` is a {row['kind'] or 'stem of no kind'} in {row['language'] or 'no language'}."
            problems.add("RULE023", position, seen, f"Expected: a stem, one of {listed(STEM_KINDS)}, its languages.")
        elif DENSE.match(stem):
            phrases.append(stem)
        else:
            within.append(stem)
    pattern = re.compile(f"(?:{'|'.join(map(re.escape, within))})[^\\W\\d_]{{0,{ENDING}}}$") if within else None
    return Stems(pattern, tuple(phrases))


def unread_script(text: str) -> bool:
    """Whether a text has letters, and none of them of a script in which drug names are known."""
    return not folded(text) and any(letter.isalpha() for letter in text)


def checked_name(position: Position, row: dict[str, str], problems: Problems) -> bool:
    """Whether a row of `national-names.csv` says what kind of name it is and in which languages."""
    codes: Sequence[str] = row["language"].split(";")
    good = row["kind"] in NAME_KINDS and all(re.fullmatch(r"[a-z]{2}", code) for code in codes)
    if not good:
        seen = f"`{row['name']}` is a {row['kind'] or 'name of no kind'} in {row['language'] or 'no language'}."
        problems.add("RULE023", position, seen, f"Expected: {listed(NAME_KINDS)}, and languages of two letters.")
    return good
