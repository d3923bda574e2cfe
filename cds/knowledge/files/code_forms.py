"""What a code of each system looks like, with its check digit where it has one: a code that was mistyped matches nobody."""

from __future__ import annotations

import re

from cds.knowledge.code_systems import ATC, ICD_10, ICD_10_CM, LOINC, RXNORM, SNOMED

FORMS = {
    RXNORM: (r"[1-9]\d{0,7}", "1 to 8 digits"),
    SNOMED: (r"[1-9]\d{5,17}", "6 to 18 digits of which the last is a check digit"),
    LOINC: (r"(LA|LP)?\d{1,7}-\d", "digits, a hyphen and a check digit, such as 1742-6"),
    ICD_10_CM: (r"[A-Z]\d[0-9A-Z](\.[0-9A-Z]{1,4})?", "such as F13.20"),
    ICD_10: (r"[A-Z]\d\d(\.\d{1,2})?", "such as F13.2"),
    ATC: (r"[A-Z](\d\d([A-Z]([A-Z](\d\d)?)?)?)?", "such as N05BA01, or the beginning of one"),
}
"""By system: the form, and the same in words."""
DIHEDRAL = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
    "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip
"""The multiplication of Verhoeff's check digit (Verhoeff 1969), by which SNOMED CT ids end."""
PERMUTED = ("0123456789", "1576283094", "5803796142", "8916043527", "9453126870", "4286573901", "2793806415", "7046913258")


def misformed(system: str, code: str) -> str | None:
    """What a code of the system looks like, where this is none; None where it is one, or the system is not known here."""
    form, expected = FORMS.get(system, (None, ""))
    if form is None:
        return None
    good = re.fullmatch(form, code) is not None
    if system == SNOMED:
        good = good and _verhoeff(code)
    if system == LOINC and code[:1].isdigit():
        good = good and _mod_10(code)
    return None if good else expected


def _verhoeff(digits: str) -> bool:
    """Whether the last digit is the check digit of those before it.

    >>> _verhoeff("449868002"), _verhoeff("449868003")
    (True, False)
    """
    check = 0
    for place, digit in enumerate(reversed(digits)):
        check = int(DIHEDRAL[check][int(PERMUTED[place % 8][int(digit)])])
    return check == 0


def _mod_10(code: str) -> bool:
    """Whether the digit after the hyphen is the check digit of those before it (Luhn). Parts and answers count otherwise.

    >>> _mod_10("1742-6"), _mod_10("1742-7")
    (True, False)
    """
    digits, _, check = code.partition("-")
    doubled = (int(digit) * (1 + (place % 2 == 0)) for place, digit in enumerate(reversed(digits)))
    return (10 - sum(value // 10 + value % 10 for value in doubled) % 10) % 10 == int(check)
