"""What a rule rests on, as every card of it shows it: source, basis, links, and the reasons to set it aside."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from cds.hooks.markdown import escaped
from cds.knowledge.model import Because, Knowledge, Rule
from cds.knowledge.model_parameters import EvidenceSource

TOPICS = "urn:taper-cds:advice"
OWN_LABEL = "Taper CDS"
MOST_SOURCES = 2
"""Of the sources that a short card names; the long one gives all."""
OF_A_GUIDELINE = re.compile(r"(.*\d{4}) (R\d+(?: to R\d+)?|table \d+)")
"""A part of a guideline, as a source is named: the guideline, and the recommendation or table."""


@dataclass(frozen=True, slots=True)
class CardSources:
    """What every card of a rule shows."""

    source: dict[str, Any]
    basis: str
    in_short: str
    override_reasons: list[dict[str, str]]
    links: list[dict[str, str]]


def card_sources(rule: Rule, knowledge: Knowledge, of_plans: tuple[Because, ...] = ()) -> CardSources:
    """What cards of the rule show, with what the plans on them rest on (`of_plans`); worked out once a revision."""
    reasons = rule.card.override_reasons if rule.card else ()

    def worked_out() -> CardSources:
        local_plans = (one for one in of_plans if _is_local(one, knowledge))
        basis = "\n".join(["**Basis**", *(f"- {_basis(because, knowledge)}" for because in (*rule.because, *of_plans))])
        return CardSources(
            _source(rule, knowledge),
            basis,
            _cited((*rule.because[:1], *of_plans[:1], *rule.because[1:], *local_plans), knowledge),
            _override_reasons(reasons, knowledge),
            _links(rule, knowledge),
        )

    return knowledge.remembered.recall((CardSources, rule.id, rule.title, rule.because, reasons, of_plans), worked_out)


def _basis(because: Because, knowledge: Knowledge) -> str:
    source = knowledge.evidence.get(because.cite)
    named = source.label if source else because.cite
    label = named[:1].upper() + named[1:]
    if _is_local(because, knowledge):
        return f"{label}: {because.says}"
    strength = "; ".join(filter(None, (because.strength, source.origin if source else None)))
    return f"{label}: {because.says}" + (f" ({strength})" if strength else "")


def _cited(every: Collection[Because], knowledge: Knowledge) -> str:
    """The first sources in one line, those of one guideline together: `*ASAM 2025 R2, R6; FDA 2020; local default.*`"""
    by_name: dict[str, list[str]] = {}
    for because in every:
        source = knowledge.evidence.get(because.cite)
        if source is None or _is_local(because, knowledge):
            continue
        found = OF_A_GUIDELINE.fullmatch(source.label)
        by_name.setdefault(found[1] if found else source.label, []).extend([found[2]] if found else [])
    told = [f"{name} {', '.join(dict.fromkeys(parts))}".strip() for name, parts in by_name.items()][:MOST_SOURCES]
    local = ["local default"] if told and any(_is_local(because, knowledge) for because in every) else []
    return f"*{escaped('; '.join([*told, *local] or [OWN_LABEL]))}.*"


def _source(rule: Rule, knowledge: Knowledge) -> dict[str, Any]:
    """The primary source of the guidance: the first that is not a local default."""
    cited = next((because for because in rule.because if not _is_local(because, knowledge)), None)
    source = knowledge.evidence.get(cited.cite) if cited else None
    url = _address(source)
    return {
        "label": source.label if source else OWN_LABEL,
        **({"url": url} if url else {}),
        "topic": {"system": TOPICS, "code": rule.id, "display": rule.title},
    }


def _links(rule: Rule, knowledge: Knowledge) -> list[dict[str, str]]:
    """The sources that can be read on the web, each once."""
    by_address: dict[str, dict[str, str]] = {}
    for because in rule.because:
        source = knowledge.evidence.get(because.cite)
        url = _address(source)
        if source and url:
            by_address.setdefault(url, {"label": source.label, "url": url, "type": "absolute"})
    return list(by_address.values())


def _override_reasons(names: Iterable[str], knowledge: Knowledge) -> list[dict[str, str]]:
    reasons = (knowledge.override_reasons[name] for name in names)
    return [{"code": reason.code, "system": reason.system, "display": reason.display} for reason in reasons]


def _is_local(because: Because, knowledge: Knowledge) -> bool:
    source = knowledge.evidence.get(because.cite)
    return source.origin == "local default" if source else because.cite in {"local default", "local-default"}


def _address(source: EvidenceSource | None) -> str | None:
    url = source.url if source else None
    return url if url and url.startswith(("https://", "http://")) else None
