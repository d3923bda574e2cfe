"""An answer in the terminal: its cards as a clinician would see them, then what was judged and what could not be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich import box
from rich.console import Console, Group, RenderableType
from rich.markdown import Markdown
from rich.panel import Panel
from rich.text import Text

from cds.decision.decide import Decision
from cds.engine.explanation import explained
from cds.hooks.markdown import plain_text
from cds.hooks.messages import EXTENSION
from cds.knowledge.files.vocabulary import askable
from cds.knowledge.model import Knowledge
from cds.knowledge.site_overlay import of_site

COLOURS = {"critical": "red", "warning": "yellow", "info": "blue"}
WIDTH = 110


def show(answer: Mapping[str, Any], console: Console) -> None:
    """Prints the cards of an answer, or that there is none, and each order that was judged."""
    for card in answer["cards"]:
        console.print(card_panel(card), width=min(WIDTH, console.width))
    own = answer.get("extension", {}).get(EXTENSION, {})
    if not answer["cards"]:
        judged = own.get("orders")
        says = "nothing to warn of in what was judged." if judged else "no order of a benzodiazepine or Z-drug to judge."
        console.print(Text(f"No card: {says}", style="bold"))
    for line in judged_lines(own):
        console.print(line)
    if site := of_site(str(own.get("knowledge", "")))[1]:
        console.print(_line("Site", plain_text(site)))


def card_panel(card: Mapping[str, Any]) -> Panel:
    """One card, coloured by its indicator."""
    colour = COLOURS.get(card["indicator"], "white")
    return Panel(
        Group(*_card_parts(card)),
        title=Text(f" {card['indicator']} ", style=f"bold reverse {colour}"),
        title_align="left",
        border_style=colour,
        box=box.ROUNDED,
        padding=(1, 2),
    )


def _card_parts(card: Mapping[str, Any]) -> Iterator[RenderableType]:
    yield Text(plain_text(card["summary"]), style="bold")
    if card.get("detail"):
        yield Text()
        yield Markdown(card["detail"])
    for suggestion in card.get("suggestions", ()):
        yield Text(f"\n[ {plain_text(suggestion['label'])} ]", style="bold green")
    yield Text()
    yield _line("Source", _with_address(card["source"]["label"], card["source"].get("url")))
    for link in card.get("links", ()):
        if link["url"] != card["source"].get("url"):
            yield _line("Link", _with_address(link["label"], link["url"]))
    reasons = [plain_text(reason["display"]) for reason in card.get("overrideReasons", ())]
    if reasons:
        yield _line("Set aside because", " / ".join(reasons))


def judged_lines(own: Mapping[str, Any]) -> Iterator[Text]:
    """A line for each judged order, and one for each thing that could not be read."""
    told = list(own.get("gaps", ()))
    for order in own.get("orders", ()):
        yield _line("Judged", f"{order['request']}: {_judged(order)}")
        told += order.get("gaps", ())
    for gap in {(gap["says"], gap.get("resource", "")): gap for gap in told}.values():
        where = f" ({plain_text(gap['resource'])})" if gap.get("resource") else ""
        yield _line("Not read", plain_text(gap["says"]) + where)


def _judged(order: Mapping[str, Any]) -> str:
    equivalent = order.get("diazepamEquivalentMg")
    parts = [
        f"{order.get('action', 'action not known')} of {order['agent']}",
        f"{order['takesNowMg']} mg a day now" if "takesNowMg" in order else "dose now not known",
        f"{order['dailyDoseMg']} mg a day ordered" if "dailyDoseMg" in order else "ordered dose not known",
        f"{' to '.join(map(str, dict.fromkeys(equivalent.values())))} mg diazepam" if equivalent else "",
        f"pace {order['pace']}" if "pace" in order else "",
        f"risks: {', '.join(risk['id'] for risk in order['riskFactors'])}" if order.get("riskFactors") else "",
    ]
    return ", ".join(part for part in parts if part)


def show_why(decision: Decision, knowledge: Knowledge, console: Console) -> None:
    """Prints the story of every rule for each judgement: true or not, by which conditions, and how near a miss was."""
    words = askable(knowledge)
    for judgement, findings in zip(decision.judgements, decision.findings, strict=True):
        named = "; ".join(f"{order.request}: {order.agent}" for order in judgement.orders)
        console.rule(Text(named or "nothing that is shown"))
        for finding in findings:
            console.print(Text(explained(finding, decision.day, words)), soft_wrap=True)


def _line(name: str, says: str) -> Text:
    return Text.assemble((f"{name}: ", "dim"), says)


def _with_address(label: str, url: str | None) -> str:
    return f"{label}, {url}" if url else label
