"""The report as one self-contained page with pictures, and as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup, escape

from cds.hooks.markdown import escaped
from cds.population.report.replays_compared import Comparison
from cds.population.report.shares import FEWEST, MASKED, Share, ShareTable

TEMPLATE = "report.html.j2"
CAUTION = "Nobody saw these cards: what they would have changed is not known."
PUBLISHED = (
    f"Counts under {FEWEST} are hidden, with others from which they could be worked out; the rest are rounded to {FEWEST}."
)
MOST_BARS = 20
WIDTH, LABEL, BAR = 720, 260, 22
"""Of a picture, in pixels: its width, that of its labels, and the height of a bar with its space."""


def lead(tables: Sequence[ShareTable]) -> str:
    """The first sentence: how many orders would have had a card."""
    whole = tables[0].lines[0]
    if whole.count is None or not whole.of:
        return "Too few orders to be told of."
    return f"Of {whole.of} benzodiazepine and Z-drug orders, {whole.count} would have had a card ({_rate(whole)} for every 100)."


def as_page(run: Mapping[str, Any], tables: Sequence[ShareTable], comparison: Comparison | None, published: bool) -> str:
    """The report as HTML that needs nothing from elsewhere."""
    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True)
    caution = f"{CAUTION} {PUBLISHED}" if published else CAUTION
    template = environment.get_template(TEMPLATE)
    told = {"run": run, "tables": tables, "comparison": comparison, "caution": caution, "lead": lead(tables)}
    return template.render(picture=picture, cells=cells, **told)


def cells(line: Share) -> tuple[str, str, str, str]:
    """A line's count, whole, rate and interval as they are shown."""
    if line.count is None:
        return MASKED, "", "", ""
    ends = line.interval
    return str(line.count), str(line.of), _rate(line), f"{ends[0]:.1f} to {ends[1]:.1f}" if ends else ""


def _rate(line: Share) -> str:
    rate = line.for_each_100
    return "" if rate is None else f"{rate:.1f}"


def picture(table: ShareTable) -> Markup:
    """The rates of a table as bars, each with its interval as a whisker."""
    shown = [line for line in table.lines if line.for_each_100 is not None][:MOST_BARS]
    if len(shown) < 2:
        return Markup("")
    most = max((line.interval or (0, line.for_each_100 or 0))[1] for line in shown) or 1
    scale = (WIDTH - LABEL - 60) / most
    parts = [
        f'<svg role="img" aria-label="{escape(table.title)}, for every 100" viewBox="0 0 {WIDTH} {BAR * len(shown) + 4}" '
        f'width="{WIDTH}" xmlns="http://www.w3.org/2000/svg" font-family="system-ui, sans-serif" font-size="13">'
    ]
    for place, line in enumerate(shown):
        parts += _bar(line, place * BAR, scale)
    return Markup("".join([*parts, "</svg>"]))


def _bar(line: Share, top: int, scale: float) -> Iterator[str]:
    rate, ends = line.for_each_100 or 0, line.interval
    label = line.label if len(line.label) < 38 else f"{line.label[:36]}…"
    yield f'<text x="{LABEL - 8}" y="{top + 15}" text-anchor="end">{escape(label)}</text>'
    yield f'<rect x="{LABEL}" y="{top + 4}" width="{max(rate * scale, 0.5):.1f}" height="{BAR - 8}" fill="#3b6ea5"/>'
    if ends:
        middle, low, high = top + BAR / 2, LABEL + ends[0] * scale, LABEL + ends[1] * scale
        yield f'<line x1="{low:.1f}" y1="{middle}" x2="{high:.1f}" y2="{middle}" stroke="#111" stroke-width="1.5"/>'
    right = LABEL + max(rate, ends[1] if ends else 0) * scale + 6
    yield f'<text x="{right:.1f}" y="{top + 15}">{rate:.1f}</text>'


def as_markdown(tables: Iterable[ShareTable], comparison: Comparison | None) -> str:
    """The report for a terminal."""
    tables = list(tables)
    parts = [f"# What the rules would have said\n\n{lead(tables)} {CAUTION}\n"]
    if comparison:
        parts.append("## Beside other rules\n\n" + "".join(f"- {escaped(line)}\n" for line in comparison.words))
    for table in tables:
        if table.lines:
            parts.append(f"## {table.title}\n\n" + (f"{table.note}\n\n" if table.note else "") + _rows(table))
    return "\n".join(parts)


def _rows(table: ShareTable) -> str:
    head = f"| | {table.counts} | of {table.of} | for every 100 | 95 percent interval |\n|---|--:|--:|--:|--:|\n"
    return head + "".join(f"| {escaped(line.label)} | {' | '.join(cells(line))} |\n" for line in table.lines)
