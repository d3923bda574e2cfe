"""The words of a free-text sig as tokens: spelling evened out, numbers as digits, every known phrase with its meaning."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from cds.fhir.dosage.unreadable import Unreadable
from cds.knowledge.files.dosing import ATOM, COUNTED, Dosing, Phrase, initial

LONGEST_SIG = 1000
TOO_LONG = "The directions are too long to be read."
WORD = re.compile(r"[^\W\d_][\w'/\-]*|[^\w\s]|\w+")
SYMBOLS = str.maketrans(
    {
        "×": " x ",
        "–": "-",
        "—": "-",
        "−": "-",
        "‑": "-",
        "’": "'",
        "‘": "'",
        "\u00a0": " ",
        "\n": ";",
        "\r": ";",
        "≤": " max ",
        COUNTED: " ",
        "⁄": "/",
        "•": ";",
        "*": " ",
    }
)
SPACED = re.compile(r"(?<=\d)(?=[½¼¾])")
PLURAL = re.compile(r"(?<=[A-Za-z])(?:\((?:e?s|ES|S)\)|(?<=[A-Za-z]{3})(?<![Mm][Cc][Gg])/[sS](?![\w/]))")
DOTTED = re.compile(
    r"(?<![A-Za-z0-9.])(?:(?:[A-Za-z]\.){1,3}[A-Za-z]|(?:[A-Za-z]\. ){1,3}[A-Za-z](?=\.))(?:\.(?!\d)\s?|(?![A-Za-z0-9.]))"
)
DOTTED_EVERY = re.compile(r"(?<![A-Za-z0-9.])([qQ])\.\s?(\d{1,2}(?:\s?-\s?\d{1,2})?)\.?\s?(?=[A-Za-z])")
LONE_STOP = re.compile(
    r"(?:(?<![\w.)])|(?<=\d))\.\s+(?=\d)|(?<=\d)\s+\.(?=\d)|(?<=[A-Za-z)])\.(?=\d)|(?<!\.)\.\.+\s*(?=\d)|(?<=\d)\.(?=\d+\.\d)|(?<![^\s(;]),(?=\d)"
)
"""A full stop of which it can't be told whether it is a decimal point: "Take . 5 mg", "0. 5 mg", "tab.2 times"."""
FULL_STOP = re.compile(r"(?<![A-Za-z])([A-Za-z]*)(\)?)\.(?!\d)(\s*)(\S?)")
MIXED = re.compile(r"(?<![\d/.,])(?:(\d+)(?:\s+|\s*-\s*|\s*(?:and|&)\s*))?([1-3]/[2-4])(?![\d/])")
ZERO_COMMA = re.compile(r"(?<![\d,.])0,(\d+)(?![\d,])")
_VALUE = rf"{COUNTED}?\d+(?:\.\d+)?(?:\s*(?:-|to|or)\s*{COUNTED}?\d+(?:\.\d+)?)?"
TWICE = re.compile(rf"(?<![\w.])({_VALUE})\s*\(\s*({_VALUE})\s*\)")
DATE = re.compile(r"(?<![\d/.-])(?:\d{1,2}[/-]\d{1,2}[/-](?:\d{4}|\d{2})|\d{4}-\d{2}-\d{2})(?![\d/-])")
OUT_OF = re.compile(
    r"(?<![\w/.])(?:(?:for|x)\s{0,3})(\d{1,3})\s?/\s?(7|52|12)(?![\d/.])|(?<![\w/.])(\d{1,3})/(52)(?![\d/.])", re.IGNORECASE
)
"""A length as prescribers in the United Kingdom write it: 5/7 are five days, 2/52 two weeks, 1/12 a month."""
LENGTHS = {"7": "days", "52": "weeks", "12": "months"}
AT_NIGHT = re.compile(
    r"(?<![A-Za-z.])[oO]\.\s?[nN]\.(?![A-Za-z])|(?<=[a-z\d)] )ON(?=\s{0,3}(?:[.,;:)&+]|and\b|AND\b|prn\b|PRN\b|\Z))"
)
"""`ON` and `o.n.` are omni nocte: in capitals, where no word follows that "on" could belong to."""
RANGE_DOTS = re.compile(r"(?<=[A-Za-z])\.\.(?=[A-Za-z])")
_WRITTEN_DAY = r"\d{1,2} (?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6} \d{4}"
PERIOD = re.compile(rf"(?<![\w/.-]){_WRITTEN_DAY} to {_WRITTEN_DAY}(?![\w/-])", re.IGNORECASE)
ODD_COMMA = re.compile(r"\d,\d")


@dataclass(frozen=True, slots=True)
class Token:
    """One phrase: its kind (a key of the sig tables, or `word` where none knows it), its value, and the numbers in it.

    `counted` is true of a number in words or a fraction, which counts tablets and never milligrams.
    """

    kind: str
    value: Any = None
    low: Decimal | None = None
    high: Decimal | None = None
    second: Decimal | None = None
    time: str | None = None
    counted: bool = False
    hour: int | None = None
    text: str = ""


def tokens(sig: str, dosing: Dosing, names: frozenset[str] = frozenset()) -> list[Token]:
    """The tokens of a sig. `names` are words of the drug's own name, which say nothing about its dose."""
    if len(sig) > LONGEST_SIG:
        raise Unreadable(TOO_LONG)
    text = normal(sig, dosing)
    found: list[Token] = []
    place = 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        scanner = dosing.scanners.get(initial(text, place))
        match = scanner.match(text, place) if scanner else None
        phrase, end = _literal(text, place, dosing)
        if match and match.end() >= end:
            found.append(_token(match, dosing))
            place = match.end()
            continue
        if phrase:
            found.append(Token(phrase.kind, phrase.value, text=text[place:end]))
            place = end
            continue
        word = WORD.match(text, place)
        spelled = word[0] if word else text[place]
        place += len(spelled)
        found.append(_unknown(spelled, names))
    return found


def _literal(text: str, place: int, dosing: Dosing) -> tuple[Phrase | None, int]:
    """The longest phrase without a number that begins at a place, and where it ends."""
    found: tuple[Phrase | None, int] = (None, place)
    key = ""
    while match := ATOM.search(text, place):
        atom, place = match[0], match.end()
        if atom == "-" and key:
            continue
        if atom == COUNTED:
            continue
        key = f"{key} {atom}" if key else atom
        if key not in dosing.prefixes:
            break
        if key in dosing.literals:
            found = dosing.literals[key], place
    return found


def _unknown(spelled: str, names: frozenset[str]) -> Token:
    kinds = {
        ",": "comma",
        ";": "sentence",
        ".": "sentence",
        "(": "open",
        ")": "close",
        "[": "open",
        "]": "close",
        ":": "comma",
        "-": "comma",
        '"': "ignore",
        "!": "sentence",
    }
    return Token("ignore" if spelled in names else kinds.get(spelled, "word"), text=spelled)


def _token(match: re.Match[str], dosing: Dosing) -> Token:
    group = match.lastgroup or ""
    phrase = dosing.phrases[group]
    parts = {name: _part(match, group + name) for name in ("low", "high", "second", "time", "h", "x")}
    low, high = _number(parts["low"]), _number(parts["high"])
    counted = any(part is not None and part.startswith(COUNTED) for part in (parts["low"], parts["high"]))
    hour = _hour(parts["h"], parts["x"]) if parts["h"] else None
    return Token(
        phrase.kind,
        phrase.value,
        low,
        low if high is None else high,
        _number(parts["second"]),
        parts["time"],
        counted,
        hour,
        match[0],
    )


def _part(match: re.Match[str], name: str) -> str | None:
    return match.group(name) if name in match.re.groupindex else None


def _number(text: str | None) -> Decimal | None:
    return Decimal(text.lstrip(COUNTED)) if text else None


def _hour(hour: str | None, half: str | None) -> int | None:
    if hour is None:
        return None
    value = int(hour)
    if half:
        return value % 12 + (12 if half == "pm" else 0)
    return value if value < 24 else None


def normal(sig: str, dosing: Dosing) -> str:
    """The sig in lower case with evened symbols; numbers as digits, those written as words or fractions marked with §.

    A period (`1 Jan 2027 to 28 Jan 2027`) says when, not how much; several may be steps, and are left in, to be refused.
    Sentences end in a semicolon. A comma inside a number becomes a stop sign (`?`): 1,5 may be one and a half or two numbers.
    """
    text = SPACED.sub(" ", sig).replace("½", "1/2").replace("¼", "1/4").replace("¾", "3/4")
    text = unicodedata.normalize("NFC", text).translate(SYMBOLS)
    text = PLURAL.sub("s", text)
    text = AT_NIGHT.sub("nocte", text)
    text = OUT_OF.sub(lambda found: f"for {found[1] or found[3]} {LENGTHS[found[2] or found[4]]}", text)
    text = RANGE_DOTS.sub(" - ", text)
    text = DOTTED_EVERY.sub(r"\1\2 ", text)
    text = DOTTED.sub(lambda match: re.sub(r"[.\s]", "", match[0]) + " ", text)
    text = DATE.sub(" date", PERIOD.sub(" date", text) if len(PERIOD.findall(text)) == 1 else text)
    text = LONE_STOP.sub(" ? ", text)
    capitals = text.upper() == text
    text = FULL_STOP.sub(lambda match: _full_stop(match, dosing, capitals), text).lower()
    text = ZERO_COMMA.sub(r"0.\1", text)
    text = ODD_COMMA.sub(" ? ", text)
    text = MIXED.sub(lambda match: _mixed(match, dosing), text)
    return TWICE.sub(lambda match: match[1] if _same(match[1], match[2]) else match[0], _spelled(text, dosing)).strip(" ;")


def _same(number: str, again: str) -> bool:
    return number.replace(COUNTED, "").replace(" ", "") == again.replace(COUNTED, "").replace(" ", "")


def _full_stop(match: re.Match[str], dosing: Dosing, capitals: bool) -> str:
    before, close, space, after = match.groups()
    new_sentence = not after or (after.isupper() and not capitals)
    if before.lower() in dosing.abbreviations and not (new_sentence and after):
        return f"{before}{close} {after}"
    if not space and after and after not in ";,)":
        return f"{before}{close} {after}"
    return f"{before}{close} ; {after}"


def _mixed(match: re.Match[str], dosing: Dosing) -> str:
    fraction = dosing.fractions.get(match[2])
    if fraction is None:
        return " ? "
    return f"{COUNTED}{(Decimal(match[1]) if match[1] else 0) + fraction}"


def _spelled(text: str, dosing: Dosing) -> str:
    """Numbers in words as digits: `one and a half`, `half a`, `three`."""
    spelled = dosing.spelled
    if spelled is None:
        return text
    text = spelled.ordinal.sub(lambda found: f"{dosing.ordinals[found[1]]}th", text)
    text = spelled.three_quarters.sub(f"{COUNTED}0.75", text)
    text = spelled.mixed.sub(lambda found: f"{COUNTED}{_value(found[1], dosing) + _fraction(found[2], dosing)}", text)
    text = spelled.fraction.sub(lambda found: f"{COUNTED}{dosing.fractions[found[1]]}", text)
    return spelled.whole.sub(lambda found: f"{COUNTED}{dosing.numbers[found[1]]}", text)


def _fraction(word: str, dosing: Dosing) -> Decimal:
    return dosing.fractions[word] if word in dosing.fractions else Decimal(word.removeprefix(COUNTED))


def _value(word: str, dosing: Dosing) -> Decimal:
    return dosing.numbers[word] if word in dosing.numbers else Decimal(word)
