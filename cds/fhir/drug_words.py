"""What the words of a medication say: which drugs, what strength, what form. The least certain source, used last."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from cds.core.medication import Form, Medication
from cds.knowledge.files.drug_names import BY_STEM, NO_STEMS, UNLISTED, Stems, folded, unread_script
from cds.knowledge.files.drugs import LONGEST_NAME

LONGEST_TEXT = 400
AMOUNT = re.compile(
    r"(?<![\d.,])(?<!\d-)(?<!\d to )(?<!\d–)(\d{1,9}(?:[.,]\d{1,6})*|\.\d{1,6})\s*"
    r"(mg|milligrams?|mcg|µg|μg|ug|micrograms?|g|grams?)(?![a-z]|\s*/\s*m?g\b)"
    r"(?:\s*(?:/|per)\s*(\d{1,6}(?:\.\d{1,4})?)?\s*(ml|millilit(?:er|re)s?|hr|h|hour)(?![a-z]))?",
    re.IGNORECASE,
)
THOUSANDS = re.compile(r"[1-9]\d{0,2}(?:,\d{3})+")
COMBINED = re.compile(r"[/+&]|\b(?:and|with)\b", re.IGNORECASE)
MG_IN = {"mg": Decimal(1), "milli": Decimal(1), "g": Decimal(1000)}
MICROGRAM = Decimal("0.001")

# Looked for in this order, so that `oral suspension` is no injection and `film coated tablet` no film.
FORM_WORDS: tuple[tuple[Form, frozenset[str], tuple[str, ...]], ...] = (
    (Form.RECTAL, frozenset({"rectal", "rectally", "suppository", "suppositories", "enema", "applicator"}), ()),
    (Form.NASAL, frozenset({"nasal", "intranasal"}), ()),
    (Form.BUCCAL, frozenset({"buccal", "oromucosal"}), ()),
    (Form.SUBLINGUAL, frozenset({"sublingual"}), ("sl tablet", "sl tab", "sl tabs")),
    (Form.ORAL_SPRAY, frozenset(), ("oral spray", "oral mist")),
    (Form.ODT, frozenset({"disintegrating", "odt", "orodispersible", "wafer", "wafers"}), ()),
    (
        Form.LIQUID,
        frozenset({"intensol", "syrup", "elixir"}),
        ("oral solution", "oral suspension", "oral liquid", "oral concentrate", "oral conc"),
    ),
    (
        Form.INJECTION,
        frozenset(
            {"injection", "injectable", "inj", "intravenous", "intramuscular", "vial", "ampoule", "ampule", "ampul", "syringe"}
            | {"autoinjector", "cartridge", "infusion"}
        ),
        ("auto injector",),
    ),
    (Form.LIQUID, frozenset({"solution", "suspension", "liquid", "concentrate", "drops"}), ()),
    (Form.TABLET, frozenset({"tablet", "tablets", "tab", "tabs", "caplet", "caplets"}), ()),
    (Form.CAPSULE, frozenset({"capsule", "capsules", "cap", "caps"}), ()),
    (Form.FILM, frozenset({"film", "films"}), ()),
)
SLOW_WORDS = frozenset({"er", "xr", "xl", "cr", "sr", "retard", "24hr"})
SLOW_PHRASES = (
    "extended release", "prolonged release", "modified release", "controlled release", "sustained release", "24 hr",
)  # fmt: skip
LOCAL_WORDS = frozenset({"topical", "cream", "ointment", "ophthalmic", "otic", "eye", "ear", "shampoo", "lotion", "vaginal"})


@dataclass(frozen=True, slots=True)
class DrugText:
    """What one text says: `drugs` in the order named, each once; all `amounts` in mg and `concentrations` in mg in one mL.

    `strength` is the amount that belongs to the drug in question, None where that can't be told. `form` is the one
    stated, `usual_form` the only one that a named brand comes in. `local` is true for what is put
    on skin, eyes or ears, and so acts on nothing else.
    """

    drugs: tuple[Medication, ...]
    amounts: frozenset[Decimal]
    concentrations: frozenset[Decimal]
    strength: Decimal | None
    form: Form | None
    usual_form: Form | None
    extended_release: bool
    local: bool
    strange: tuple[str, ...] = ()
    """Words that no table holds and that are built like a benzodiazepine's or Z-drug's name; then `drugs` says so."""
    unread: bool = False
    """Whether it is written in a script in which no drug names are known."""

    def names(self, medication: Medication) -> bool:
        """Whether the text names this drug or one of its ingredients."""
        return any(same_drug(drug, medication) for drug in self.drugs)


def same_drug(one: Medication, other: Medication) -> bool:
    """Whether two medications share the agent, or, where neither has one, an ingredient; or one is a partner in the other."""
    if one.agent and other.agent:
        return one.agent == other.agent
    return not set(one.ingredients).isdisjoint(other.ingredients)


def words(text: str, names: Mapping[str, Medication], stems: Stems = NO_STEMS) -> DrugText:
    """What a text such as `Xanax 1 mg tablet` or `LORazepam 0.5 MG Oral Tablet` says."""
    text = text[:LONGEST_TEXT]
    plain = folded(text)
    tokens = plain.split()
    drugs, others = _drugs(tokens, names)
    strange = stems.found_in(others, plain) if not any(drug.agent or UNLISTED in drug.groups for drug in drugs) else ()
    strange = strange or (() if drugs else stems.misspelt(others))
    drugs = (*drugs, BY_STEM) if strange else drugs
    found = list(AMOUNT.finditer(text))
    amounts = [amount for match in found if not match[4] and (amount := _mg(match)) is not None]
    concentrations = [amount for match in found if match[4] and (amount := _per_ml(match)) is not None]
    return DrugText(
        drugs=drugs,
        amounts=frozenset(amounts),
        concentrations=frozenset(concentrations),
        strength=_strength(text, drugs, amounts),
        form=form_of(plain),
        usual_form=next((drug.form for drug in drugs if drug.form), None),
        extended_release=_is_slow(plain, tokens) or any(drug.extended_release for drug in drugs),
        local=not LOCAL_WORDS.isdisjoint(tokens),
        strange=strange,
        unread=unread_script(text),
    )


def form_of(plain: str) -> Form | None:
    """The form that folded words name."""
    tokens, spaced = plain.split(), f" {plain} "
    for form, single, phrases in FORM_WORDS:
        if not single.isdisjoint(tokens) or any(f" {phrase} " in spaced for phrase in phrases):
            return form
    return None


def _is_slow(plain: str, tokens: list[str]) -> bool:
    return not SLOW_WORDS.isdisjoint(tokens) or any(phrase in plain for phrase in SLOW_PHRASES)


def _drugs(tokens: list[str], names: Mapping[str, Medication]) -> tuple[tuple[Medication, ...], list[str]]:
    """The drugs that words name, and the words that are part of no name."""
    found: dict[tuple[str, ...], Medication] = {}
    others: list[str] = []
    start = 0
    while start < len(tokens):
        for length in range(min(LONGEST_NAME, len(tokens) - start), 0, -1):
            drug = names.get(" ".join(tokens[start : start + length]))
            if drug is not None:
                key = (drug.agent or drug.ingredients[0],)
                if key not in found or _tells_more(drug, found[key]):
                    found[key] = drug
                start += length - 1
                break
        else:
            others.append(tokens[start])
        start += 1
    return tuple(found.values()), others


def _tells_more(one: Medication, other: Medication) -> bool:
    return len(one.ingredients) > len(other.ingredients) or (one.form is not None and other.form is None)


def _strength(text: str, drugs: tuple[Medication, ...], amounts: list[Decimal]) -> Decimal | None:
    """The one amount; in a combination, the first after the agent's name. Two amounts of one drug are not a strength."""
    if len(set(amounts)) <= 1:
        combined = any(len(drug.ingredients) > 1 for drug in drugs) or len(drugs) > 1
        return amounts[0] if amounts and not combined else None
    agent = next((drug.agent for drug in drugs if drug.agent), None)
    if agent is None or not COMBINED.search(text):
        return None
    _, _, after = text.lower().partition(agent)
    match = AMOUNT.search(after)
    return _mg(match) if match and not match[4] else None


def _mg(match: re.Match[str]) -> Decimal | None:
    number = match[1]
    if "," in number:
        number = number.replace(",", "") if THOUSANDS.fullmatch(number) else number.replace(",", ".")
    if number.count(".") > 1:
        return None
    amount = Decimal(number) * in_mg(match[2])
    return amount if amount > 0 else None


def in_mg(unit: str) -> Decimal:
    """How many mg one of a unit of mass is, whose spelling AMOUNT knows."""
    unit = unit.lower()
    return next((factor for start, factor in MG_IN.items() if unit.startswith(start)), MICROGRAM)


def _per_ml(match: re.Match[str]) -> Decimal | None:
    if not match[4].lower().startswith("m"):
        return None
    volume = Decimal(match[3] or 1)
    amount = _mg(match)
    return amount / volume if amount is not None and volume > 0 else None
