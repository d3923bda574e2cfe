"""A card that was declined or left, with nothing worse since, as one line: when, why, until when, and how to see it in full."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from cds.core.period import written
from cds.hooks.card_text import LONGEST_SUMMARY
from cds.hooks.markdown import cut, escaped, plain_text
from cds.knowledge.model import Knowledge

INDICATOR = "info"
ADVISED, DECLINED = "advised", "declined"


@dataclass(frozen=True, slots=True)
class Shortened:
    """One card that is shown as a line: its rule and order, when it was declined and why, and the decision that showed it.

    With `left` nobody declined it: it was shown in full on that day, and no answer came.

    `also` names the rules and orders that it told of and that go with it, `until` the day from which it is in full again,
    `reasons` ids of `rules/override-reasons.yaml`. `unchanged` is whether nothing that is compared is other than it was, not
    only none worse.
    """

    rule: str
    order: str
    declined: date
    until: date
    reasons: tuple[str, ...]
    decision: str
    unchanged: bool
    also: tuple[tuple[str, str], ...] = ()
    left: bool = False

    def json(self) -> dict[str, Any]:
        """What an answer tells machines of it."""
        return {
            "rule": self.rule,
            "decision": self.decision,
            ADVISED if self.left else DECLINED: self.declined.isoformat(),
            "until": self.until.isoformat(),
            "reasons": list(self.reasons),
        }

    def whole_json(self) -> dict[str, Any]:
        """All of it, as a record keeps it."""
        also = [{"rule": rule, "order": order} for rule, order in self.also]
        return {**self.json(), "order": self.order, "unchanged": self.unchanged, "also": also}

    def state(self, knowledge: Knowledge) -> str:
        """How things are beside how they were then, in words."""
        return knowledge.texts.get("declined_unchanged" if self.unchanged else "declined_no_worse", "").strip()


def from_json(told: Mapping[str, Any]) -> Shortened:
    """What a record kept."""
    return Shortened(
        rule=told["rule"],
        order=told["order"],
        declined=date.fromisoformat(told[ADVISED] if ADVISED in told else told[DECLINED]),
        until=date.fromisoformat(told["until"]),
        reasons=tuple(told["reasons"]),
        decision=told["decision"],
        unchanged=told["unchanged"],
        also=tuple((each["rule"], each["order"]) for each in told["also"]),
        left=ADVISED in told,
    )


def line(one: Shortened, title: str, agent: str | None, knowledge: Knowledge) -> str:
    """The summary: the agent, when it was advised, or declined and why, and what the advice was about."""
    said = f"advised on {written(one.declined)}" if one.left else f"declined on {written(one.declined)}: {_in_short(one.reasons)}"
    when = f"{said}; {one.state(knowledge)}."
    told = plain_text(f"{agent}, {when} {title}" if agent else f"{when} {title}")
    return cut(told[:1].upper() + told[1:], LONGEST_SUMMARY)


def what_it_was(one: Shortened, title: str, agent: str | None, summary: str, knowledge: Knowledge) -> str:
    """The detail: the advice in its own one line, who said no when and why, and when it comes back. GitHub markdown."""
    about = f" ({escaped(agent)})" if agent else ""
    reasons = " ".join(f"*{escaped(knowledge.override_reasons[reason].display)}.*" for reason in one.reasons)
    on = written(one.declined)
    said = f"Shown in full on {on}; nobody answered." if one.left else f"Declined on {on}. {reasons}"
    state = one.state(knowledge)
    return "\n\n".join(
        [
            f"**{escaped(title)}**{about}",
            escaped(summary),
            f"{said} {state[:1].upper()}{state[1:]} since.",
            f"**In full again** from {written(one.until)}; {knowledge.texts.get('declined_returns', '').strip()}",
        ]
    )


def _in_short(reasons: tuple[str, ...]) -> str:
    return " and ".join(reason.replace("-", " ") for reason in reasons)
