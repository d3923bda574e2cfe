"""What can be dispensed of each agent, from `agents.yaml`, `products.csv` and `presentations.yaml` under `rules/drugs/`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from cds.core.medication import Agent, Form, Medication
from cds.core.quantity import plain
from cds.core.tablets import Presentation
from cds.knowledge.code_systems import RXNORM
from cds.knowledge.fields import Fields, as_amount
from cds.knowledge.problems import Problems, nearest
from cds.knowledge.yaml_text import Items, Node, Pairs, read

AGENTS = "drugs/agents.yaml"
FILE = "drugs/presentations.yaml"
NEEDED = ("smallest_volume", "least_volume", "syringes", "compounded", "liquids_left_out", "taken_at_night")


@dataclass(frozen=True, slots=True)
class Shelf:
    """Every presentation by agent, and the agents that are taken at night only."""

    by_agent: Mapping[str, tuple[Presentation, ...]]
    at_night: frozenset[str]


SCORED = ("yes", "varies by maker")
"""Where it varies, a pharmacy can choose a maker whose tablets are scored."""


def presentations(
    files: Mapping[str, bytes],
    agents: Mapping[str, Agent],
    medications: Mapping[tuple[str, str], Medication],
    problems: Problems,
) -> Shelf:
    """What is sold, with the code of its product where one is known, and what a pharmacy prepares.

    A tablet whose scoring is not known is never halved.
    """
    own = Fields(read(f"rules/{FILE}", files.get(FILE, b""), problems), problems, NEEDED)
    measures = _measures(own, problems)
    codes = _codes(medications)
    sold = Fields(read(f"rules/{AGENTS}", files.get(AGENTS, b""), problems), problems, ["agents"]).node("agents")
    left_out = Fields(own.node("liquids_left_out"), problems, ["agents", "cite"], ["says"]).each_of("agents", agents)
    found: dict[str, list[Presentation]] = {name: [] for name in agents}
    for key, node in sold.pairs if isinstance(sold, Pairs) else ():
        forms = node.get("forms") if isinstance(node, Pairs) else None
        for entry in forms.items if isinstance(forms, Items) else ():
            found[key.text] += _sold(agents[key.text], entry, measures, codes, problems)
    for name in left_out:
        found[name] = [one for one in found[name] if not one.liquid]
    prepared = own.node("compounded")
    for key, node in prepared.pairs if isinstance(prepared, Pairs) else ():
        if key.text not in agents:
            problems.add("RULE023", key.position, f"`{key.text}` is no agent of agents.yaml.", "", nearest(key.text, agents))
            continue
        mg = _mg(Fields(node, problems, ["mg_in_1_mL", "cite"], ["says"]), "mg_in_1_mL", problems)
        found[key.text].append(_liquid(key.text, mg, measures, measures.smallest, codes, compounded=True))
    night = Fields(own.node("taken_at_night"), problems, ["agents", "cite"]).each_of("agents", agents)
    return Shelf({name: tuple(held) for name, held in found.items()}, frozenset(night))


@dataclass(frozen=True, slots=True)
class _Measures:
    """What liquids are measured with, in mL."""

    smallest: Decimal
    least: Decimal
    syringes: tuple[tuple[Decimal, Decimal], ...]


def _measures(own: Fields, problems: Problems) -> _Measures:
    smallest = _mg(Fields(own.node("smallest_volume"), problems, ["mL", "cite"], ["says"]), "mL", problems)
    least = _mg(Fields(own.node("least_volume"), problems, ["mL", "cite"], ["says"]), "mL", problems)
    sizes = Fields(own.node("syringes"), problems, ["sizes", "cite"], ["says"]).node("sizes")
    found = []
    for entry in sizes.items if isinstance(sizes, Items) else ():
        fields = Fields(entry, problems, ["holds", "marks"])
        found.append((_mg(fields, "holds", problems), _mg(fields, "marks", problems)))
    return _Measures(smallest, least, tuple(sorted(found)))


Codes = Mapping[tuple[str, Form, Decimal, bool], Medication]


def _codes(medications: Mapping[tuple[str, str], Medication]) -> Codes:
    """The RxNorm products with the agent alone and no brand, by agent, form, strength and release; of two the lower code."""
    found: dict[tuple[str, Form, Decimal, bool], Medication] = {}
    for (system, _), one in sorted(medications.items()):
        mg = one.concentration if one.form is Form.LIQUID else one.strength
        alone = system == RXNORM and one.ingredients == (one.agent,) and one.code is not None
        if one.agent and alone and one.form and mg and "[" not in one.name and "pack" not in one.name:
            found.setdefault((one.agent, one.form, mg, one.extended_release), one)
    return found


def _sold(agent: Agent, node: Node, measures: _Measures, codes: Codes, problems: Problems) -> Iterator[Presentation]:
    fields = Fields(node, problems, ["form"], ["strengths", "mg_in_1_mL", "scored", "er"])
    form = Form(fields.one_of("form", tuple(Form)) or Form.OTHER)
    released = fields.optional_text("er") == "yes"
    for mg in _numbers(fields, "mg_in_1_mL", problems):
        step = agent.smallest_liquid_step
        yield _liquid(agent.name, mg, measures, max(measures.smallest, step / mg if step else Decimal(0)), codes)
    for mg in _numbers(fields, "strengths", problems):
        product = codes.get((agent.name, form, mg, released))
        release = "extended-release " if released else ""
        yield Presentation(
            agent=agent.name,
            form=form,
            mg=mg,
            name=product.name if product else f"{agent.name} {plain(mg)} mg {release}{form.value}",
            code=product.code if product else None,
            halves=fields.optional_text("scored") in SCORED and form is Form.TABLET and not released,
            extended_release=released,
        )


def _liquid(
    agent: str, mg: Decimal, measures: _Measures, smallest: Decimal, codes: Codes, compounded: bool = False
) -> Presentation:
    product = codes.get((agent, Form.LIQUID, mg, False))
    prepared = " suspension, prepared by a pharmacy" if compounded else " oral solution"
    return Presentation(
        agent=agent,
        form=Form.LIQUID,
        mg=mg,
        name=f"{agent} {plain(mg)} mg/mL{prepared}" if compounded or product is None else product.name,
        code=product.code if product else None,
        compounded=compounded,
        smallest_volume=smallest,
        least_volume=measures.least,
        syringes=measures.syringes,
    )


def _numbers(fields: Fields, key: str, problems: Problems) -> Iterator[Decimal]:
    node = fields.node(key)
    texts: Collection[str] = fields.texts(key) if isinstance(node, Items) else ()
    for text in texts:
        amount = as_amount(text)
        if amount is None or amount[1] is not None or amount[0] <= 0:
            problems.add("RULE023", fields.at(key), f"`{text}` stands in `{key}`.", "Expected: numbers of mg above 0.")
        else:
            yield amount[0]


def _mg(fields: Fields, key: str, problems: Problems) -> Decimal:
    text = fields.text(key, "1")
    amount = as_amount(text)
    if amount is None or amount[1] is not None or amount[0] <= 0:
        problems.add("RULE023", fields.at(key), f"`{key}` is `{text}`.", "Expected: a number above 0.")
        return Decimal(1)
    return amount[0]
