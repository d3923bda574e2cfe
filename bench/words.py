"""How many words a card holds, over the stories and any folders of hook calls: `python -m bench.words [FOLDER...]`.

Summary and detail are counted; the words of buttons, sources and links are not.
"""

from __future__ import annotations

import re
import statistics
import sys
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any

import orjson

from cds.decision.decide import decide
from cds.engine.engine import Engine
from cds.hooks.messages import EXTENSION, hook_call
from cds.hooks.services import HOOKS
from cds.knowledge.loader import knowledge

ROOT = Path(__file__).parents[1]
STORIES = ROOT / "fhir_examples"
WORD = re.compile(r"[^\W_][^\s]*")
"""What begins with a letter or a digit and reaches to the next space: `2.75`, `CBT-I` and `don't` are one word each."""


def words(card: dict[str, Any]) -> int:
    """The words of a card that a clinician reads."""
    return len(WORD.findall(f"{card['summary']} {card.get('detail', '')}"))


def answers(folders: Iterable[Path]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The cards of every hook call in the folders, each with the name of its folder."""
    book = knowledge(ROOT / "rules")
    engine = Engine(book)
    try:
        for path in sorted(path for folder in folders for path in folder.glob("*/request.json")):
            body = orjson.loads(path.read_bytes())
            told = path.with_name("expected.json")
            day = date.fromisoformat(orjson.loads(told.read_bytes())["day"] if told.exists() else "2026-11-23")
            service = next(id for id, hook in HOOKS.items() if hook == body["hook"])
            numbers = count()
            decision = decide(hook_call(service, body), book, engine, day, "words", lambda: f"{next(numbers):036d}")  # noqa: B023
            for card in decision.answer["cards"]:
                yield path.parent.name, card
    finally:
        engine.close()


def main() -> None:
    """Prints the words of each card, fewest last, and their median, most and number."""
    folders = [Path(each) for each in sys.argv[1:]] or [STORIES]
    counted = sorted(((words(card), name, card) for name, card in answers(folders)), key=lambda each: (-each[0], each[1]))
    for number, name, card in counted:
        print(f"{number:4} {card['extension'][EXTENSION]['rule']:28} {name}")
    numbers = [number for number, _, _ in counted]
    print(f"{len(numbers)} cards: median {statistics.median(numbers):g} words, at most {max(numbers)}.")


if __name__ == "__main__":
    main()
