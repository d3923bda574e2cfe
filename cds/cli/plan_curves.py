"""Plasma levels in the terminal: for each substance a bar a day, and how far the level swings from peak to trough."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cds.decision.plasma_levels import Curves, Levels, NotDrawn

BARS = "▁▂▃▄▅▆▇█"
LEAST = 0.01


def show_curves(drawn: Curves, console: Console) -> None:
    """Prints the levels, what was not drawn and why, and that they are an illustration."""
    console.print(
        Text(f"\nPlasma levels, a bar for each of the first {drawn.days} days; swing from peak to trough", style="bold")
    )
    if drawn.levels:
        console.print(levels_table(drawn))
    for reason in dict.fromkeys(_reason(each) for each in drawn.not_drawn):
        console.print(Text(f"- {reason}"))
    console.print(Text(drawn.says, style="yellow"))


def levels_table(drawn: Curves) -> Table:
    """A line for each level. The bars of one substance have one scale."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name in ("", "level of"):
        table.add_column(name, no_wrap=True)
    for name in ("daily average", "swing"):
        table.add_column(name, overflow="fold")
    for each in drawn.levels:
        highest = max(max(other.averages()) for other in drawn.levels if other.substance == each.substance)
        table.add_row(each.which.value, each.substance, _bars(each.averages(), highest), _swing(each))
    return table


def _bars(averages: tuple[float, ...], highest: float) -> str:
    """One for each day; none where the level is below a hundredth of the highest."""
    shares = (level / highest if highest else 0 for level in averages)
    return "".join(BARS[min(len(BARS) - 1, int(share * len(BARS)))] if share > LEAST else " " for share in shares)


def _swing(levels: Levels) -> str:
    """On the first day and on the last on which there is one."""
    seen = [f"{swing:.0f}%" for swing in levels.swings if swing is not None]
    if not seen:
        return ""
    return seen[0] if seen[0] == seen[-1] else f"{seen[0]} to {seen[-1]}"


def _reason(missing: NotDrawn) -> str:
    return f"Not drawn: {missing.agent}: {missing.reason}."
