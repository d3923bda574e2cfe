"""Reads the drug tables under `rules/drugs/`: agents, equivalents, products, names, other drugs and interactions."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from cds.core.medication import Agent, Certainty, Form, Medication
from cds.knowledge.code_systems import OIDS
from cds.knowledge.fields import Fields
from cds.knowledge.files.agents import ORIGINS, agents
from cds.knowledge.files.csv_table import Row, number, rows
from cds.knowledge.files.drug_names import NATIONAL, NO_STEMS, STEMS, UNLISTED, Stems, checked_name, folded, stems
from cds.knowledge.files.misspelt import NearNames
from cds.knowledge.model import Interaction
from cds.knowledge.position import Position
from cds.knowledge.problems import Problems, listed, nearest
from cds.knowledge.yaml_text import Items, Pairs, read

LONGEST_NAME = 5
"""Words in the longest name that is looked for in a text."""
OUT_OF_SCOPE = {
    Form.INJECTION: "an injection or infusion",
    Form.RECTAL: "a rectal dose",
    Form.NASAL: "a nasal dose",
    Form.BUCCAL: "a buccal dose",
}
"""The forms that get no taper advice, in words."""

ANTAGONISTS = frozenset({"opioid-antagonist", "naloxone"})
"""The groups that an antagonist loses in one product with an opioid: there it rescues nobody."""

PRODUCTS = (
    "system", "code", "display", "tty", "agent", "partners", "strength_mg", "concentration_mg_ml", "form", "extended_release",
    "brand", "source", "origin",
)  # fmt: skip
OTHERS = ("system", "code", "display", "tty", "ingredients", "groups", "source", "origin")
NAMES = ("name", "means", "form", "extended_release", "source", "origin")
INGREDIENT_TERMS = {"IN", "PIN", "MIN", "BN", "ATC", "substance", "class", "name"}
NAME_TERMS = {"IN", "PIN", "BN", "name"}
CLINICAL_TERMS = {"SCD", "SCDC", "SBD", "SCDG", "SCDF", "SBDC", "SBDF", "GPCK", "BPCK", "product"}
"""What RxNorm calls a drug with its strength or form, and a product of another code system."""
CHOICES = {
    "system": ("", *OIDS),
    "origin": ("collected", *ORIGINS),
    "extended_release": ("", "yes"),
    "tty": tuple(sorted(INGREDIENT_TERMS | CLINICAL_TERMS)),
}
"""What may stand in a column. A misspelt system would hide a code, a misspelt term type make another kind of drug."""
LEADING_AMOUNT = re.compile(r"^[\d.]+ (?:hr|ml) ")
IN_A_PACK = re.compile(r"^\{.*?\(([a-z][^()\[]*)")
UNITS = re.compile(r"\b(?:mg/ml|ml|mg/actuat)\b")
SPELLED = {"mg/ml": "mg/mL", "ml": "mL", "mg/actuat": "mg/spray"}
KINDS = ("inhibitor", "inducer", "fluoroquinolone", "contraindicated")


@dataclass(frozen=True)
class DrugTables:
    """What `Knowledge` holds of drugs. An ATC class stands in `medications` under its prefix (`N02A`)."""

    agents: Mapping[str, Agent] = field(default_factory=dict)
    medications: Mapping[tuple[str, str], Medication] = field(default_factory=dict)
    names: Mapping[str, Medication] = field(default_factory=dict)
    interactions: tuple[Interaction, ...] = ()
    stems: Stems = NO_STEMS


def drugs(files: Mapping[str, bytes], problems: Problems) -> DrugTables:
    """The drug tables in files, by their path under `rules/`."""
    known = agents(files, problems)
    groups, interactions = _interactions(files, known, problems)
    shelf = _Shelf(known, groups, problems)
    shelf.ingredients(_read(files, "drugs/other-drugs.csv", OTHERS, problems))
    shelf.products(_read(files, "drugs/products.csv", PRODUCTS, problems))
    shelf.further_names(_read(files, "drugs/names.csv", NAMES, problems))
    national = _read(files, "drugs/national-names.csv", NATIONAL, problems)
    shelf.further_names((position, row) for position, row in national if checked_name(position, row, problems))
    found = stems(_read(files, "drugs/name-stems.csv", STEMS, problems), problems)
    found = replace(found, names=NearNames.of(_benzodiazepines(shelf.names.values())))
    return DrugTables(known, shelf.medications, shelf.names, interactions, found)


def _benzodiazepines(medications: Iterable[Medication]) -> Iterator[str]:
    """The substances that are benzodiazepines or Z-drugs; of a compound none, since it holds others."""
    for one in medications:
        if len(one.ingredients) == 1 and (one.agent or UNLISTED in one.groups):
            yield one.ingredients[0]


def joint_groups(each: Iterable[frozenset[str]]) -> frozenset[str]:
    """The groups of a product, from those of each drug in it."""
    groups = frozenset().union(*each)
    return groups - ANTAGONISTS if "opioid" in groups else groups


def tidy(display: str) -> str:
    """A product's name as a card shows it.

    >>> tidy("24 HR alprazolam 0.5 MG Extended Release Oral Tablet [Xanax]")
    'alprazolam 0.5 mg extended release oral tablet [Xanax]'
    """
    name, bracket, brand = display.partition(" [")
    name = LEADING_AMOUNT.sub("", name.lower())
    packed = IN_A_PACK.search(name)
    if packed:
        return UNITS.sub(lambda unit: SPELLED[unit[0]], packed[1].strip()) + " pack"
    return UNITS.sub(lambda unit: SPELLED[unit[0]], name) + bracket + brand


def _read(files: Mapping[str, bytes], name: str, columns: Collection[str], problems: Problems) -> Iterator[Row]:
    """The rows of a drug table whose columns of few values hold one of them; another is told and read on."""
    for position, row in rows(files, name, columns, problems):
        for column in CHOICES.keys() & row.keys():
            if row[column] not in CHOICES[column]:
                seen, expected = f"`{column}` is `{row[column]}`.", f"Expected one of: {listed(CHOICES[column])}."
                problems.add("RULE023", position, seen, expected, nearest(row[column], CHOICES[column]))
        yield position, row


class _Shelf:
    """The medications by code and by name, filled row by row."""

    def __init__(self, known: Mapping[str, Agent], groups: Collection[str], problems: Problems) -> None:
        self.agents = known
        self.groups = groups
        self.problems = problems
        self.groups_of: dict[str, frozenset[str]] = {}
        self.medications: dict[tuple[str, str], Medication] = {}
        self.names: dict[str, Medication] = {name: Medication(name, name, ingredients=(name,)) for name in known}

    def ingredients(self, table: Iterable[Row]) -> None:
        """Drugs other than agents. An ingredient's own row gives its groups; a product with none stated has its ingredients'."""
        held = list(table)
        for position, row in held:
            if row["tty"] in NAME_TERMS:
                groups = self._checked_groups(position, row["groups"])
                self.groups_of[row["ingredients"]] = self.groups_of.get(row["ingredients"], frozenset()) | groups
        for position, row in held:
            self._other(position, row)

    def _other(self, position: Position, row: dict[str, str]) -> None:
        ingredients = tuple(filter(None, row["ingredients"].split(";")))
        stated = row["groups"] or row["tty"] in {"class", "ATC"}
        groups = self._checked_groups(position, row["groups"]) if stated else self._inherited(position, ingredients)
        plain = row["tty"] in INGREDIENT_TERMS
        drug = Medication(
            name=ingredients[0] if plain and ingredients else tidy(row["display"]),
            agent=None,
            groups=groups,
            ingredients=ingredients,
            code=row["code"] or None,
            certainty=Certainty.INGREDIENT if plain else Certainty.PRODUCT,
        )
        if row["code"]:
            self._place(position, row, drug)
        if row["tty"] in NAME_TERMS:
            for name in {row["display"], *ingredients[:1]}:
                self._name(position, name, _named(drug))

    def products(self, table: Iterable[Row]) -> None:
        for position, row in table:
            if row["agent"] not in self.agents:
                seen = f"`{row['agent']}` is no agent of agents.yaml."
                self.problems.add("RULE023", position, seen, "", nearest(row["agent"], self.agents))
                continue
            drug = self._product(position, row)
            self._place(position, row, drug)
            if row["tty"] in NAME_TERMS and row["tty"] != "BN":
                self._name(position, row["display"], _named(drug))

    def _product(self, position: Position, row: dict[str, str]) -> Medication:
        form = self._form(position, row["form"])
        partners = tuple(filter(None, row["partners"].split(";")))
        plain = row["tty"] in INGREDIENT_TERMS
        return Medication(
            name=_plain_name(row) if plain and not partners else tidy(row["display"]),
            agent=row["agent"],
            groups=joint_groups(self.groups_of.get(partner, frozenset()) for partner in partners),
            ingredients=(row["agent"], *partners),
            strength=number(row["strength_mg"]),
            concentration=number(row["concentration_mg_ml"]),
            form=form,
            extended_release=row["extended_release"] == "yes",
            code=row["code"],
            certainty=Certainty.INGREDIENT if plain else Certainty.PRODUCT,
            out_of_scope=OUT_OF_SCOPE.get(form) if form else None,
        )

    def further_names(self, table: Iterable[Row]) -> None:
        """Brands, salts, national names and other words for what is already known."""
        for position, row in table:
            ingredients = tuple(row["means"].split(";"))
            agent = next((name for name in ingredients if name in self.agents), None)
            form = self._form(position, row["form"])
            unknown = [name for name in ingredients if name not in self.agents and name not in self.groups_of]
            if agent is None and unknown:
                seen = f"`{listed(unknown)}` is neither an agent nor an ingredient of other-drugs.csv."
                self.problems.add("RULE023", position, seen, "", nearest(unknown[0], {**self.agents, **self.groups_of}))
                continue
            drug = Medication(
                name=" with ".join(ingredients),
                agent=agent,
                groups=joint_groups(self.groups_of.get(name, frozenset()) for name in ingredients),
                ingredients=ingredients,
                form=form,
                extended_release=row.get("extended_release") == "yes",
                out_of_scope=OUT_OF_SCOPE.get(form) if form and agent else None,
            )
            self._name(position, row["name"], drug)

    def _place(self, position: Position, row: dict[str, str], drug: Medication) -> None:
        key = (row["system"], row["code"])
        if key in self.medications:
            seen = f"the code {row['code']} stands here a second time."
            self.problems.add("RULE025", position, seen, "", "Keep one of the two.")
        self.medications[key] = drug

    def _name(self, position: Position, name: str, drug: Medication) -> None:
        word = folded(name)
        if not word or word.count(" ") >= LONGEST_NAME:
            self.problems.add("RULE023", position, f"`{name}` can't be a name.", f"Expected: 1 to {LONGEST_NAME} words.")
            return
        other = self.names.setdefault(word, drug)
        if (other.agent, other.ingredients[:1]) != (drug.agent, drug.ingredients[:1]):
            seen = f"`{word}` means {drug.name} here and {other.name} elsewhere."
            self.problems.add("RULE026", position, seen, "A name means one drug.", "Keep one of the two.")

    def _checked_groups(self, position: Position, text: str) -> frozenset[str]:
        found = frozenset(filter(None, text.split(";")))
        for group in found - set(self.groups):
            seen = f"`{group}` is no group of interactions.yaml."
            self.problems.add("RULE023", position, seen, "", nearest(group, self.groups))
        return found

    def _inherited(self, position: Position, ingredients: Collection[str]) -> frozenset[str]:
        for name in ingredients:
            if name not in self.groups_of:
                seen, expected = f"`{name}` has no row of its own.", "Each ingredient stands once with its groups."
                self.problems.add("RULE023", position, seen, expected, nearest(name, self.groups_of))
        return joint_groups(self.groups_of.get(name, frozenset()) for name in ingredients)

    def _form(self, position: Position, text: str) -> Form | None:
        if not text:
            return None
        if text in Form._value2member_map_:
            return Form(text)
        self.problems.add("RULE023", position, f"`{text}` is no form.", f"Expected one of: {listed(Form)}.", nearest(text, Form))
        return None


def _plain_name(row: Mapping[str, str]) -> str:
    return f"{row['agent']} [{row['brand']}]" if row["brand"] else row["agent"]


def _named(drug: Medication) -> Medication:
    """The drug as words alone would tell it."""
    return Medication(drug.name, drug.agent, drug.groups, drug.ingredients)


def _interactions(
    files: Mapping[str, bytes], known: Collection[str], problems: Problems
) -> tuple[tuple[str, ...], tuple[Interaction, ...]]:
    """The groups that a drug may be in, and which of them act on which agents."""
    name = "drugs/interactions.yaml"
    document = read(f"rules/{name}", files.get(name, b""), problems)
    fields = Fields(document, problems, ["groups", "interactions"])
    meanings = fields.node("groups")
    groups = tuple(meanings.index) if isinstance(meanings, Pairs) else ()
    found = []
    for node in fields.items("interactions"):
        one = Fields(node, problems, ["group", "kind", "agents", "says", "cite", "origin"])
        one.one_of("origin", ORIGINS)
        everyone = not isinstance(one.node("agents"), Items)
        if everyone:
            one.one_of("agents", ("all",))
        found.append(
            Interaction(
                group=one.one_of("group", groups) or "",
                agents=None if everyone else frozenset(one.each_of("agents", known)),
                kind=one.one_of("kind", KINDS) or "",
                says=one.text("says"),
                cite=one.text("cite"),
            )
        )
    return groups, tuple(found)
