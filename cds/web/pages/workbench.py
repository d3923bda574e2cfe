"""The workbench: ask about a request and see cards and why; change a rule file and see which stories come out otherwise."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from starlette.responses import Response

from cds.decision.decide import Decision
from cds.engine.engine import Engine
from cds.engine.explanation import explained
from cds.errors import BadKnowledge, CdsError
from cds.knowledge.files.vocabulary import askable
from cds.knowledge.loader import from_files
from cds.knowledge.model import Knowledge
from cds.knowledge.pack import files_at
from cds.knowledge.problems import Problem
from cds.web.pages.asking import Asked, PageContext
from cds.web.pages.rendering import page
from cds.web.pages.sample_request import sample
from cds.web.pages.story_set import NAME, REQUEST, Changed, ToldStory, answers, asked, compared, stories

LONGEST_REQUEST, LONGEST_FILE = 1_000_000, 200_000
"""Characters of a pasted request, and of a rule file: more is refused before it costs anything."""
FIRST = "abrupt-stop-alprazolam"
EDITED = (".yaml", ".csv")
MOST_PROBLEMS = 20


class Workbench:
    """The page and its two halves."""

    def __init__(self, desk: PageContext) -> None:
        self._desk = desk

    @property
    def _rules(self) -> Path:
        return self._desk.settings.rules

    def show(self, asked_for: Asked) -> Response:
        known = stories(self._rules)
        chosen = asked_for.form.get("story", FIRST if FIRST in known else "")
        story = known.get(chosen)
        files = self._files()
        name = asked_for.form.get("file", "parameters/taper.yaml")
        told = {
            "stories": list(known),
            "story": story,
            "request": story.text if story else "",
            "files": [one for one in files if one.endswith(EDITED) and not one.startswith("schema/")],
            "file": name if name in files else "",
            "text": files.get(name, b"").decode("utf-8", "replace"),
            "conditions": sorted(asked_for.knowledge.value_sets),
            "day": (story.day if story else asked_for.day),
        }
        return page("try.html", **self._desk.told(asked_for, **told))

    def _files(self) -> Mapping[str, bytes]:
        return files_at(self._rules, self._desk.settings.rules_key)

    # Asking ----------------------------------------------------------------------------------------------------------

    def ask(self, asked_for: Asked) -> Response:
        """The cards of a pasted request, or of the small form, with every rule's answer and why."""
        form, problems = asked_for.form, dict[str, str]()
        known = stories(self._rules)
        story = known.get(form.get("story", ""))
        day = story.day if story else asked_for.day
        if form.get("how") == "form":
            made = sample(form, asked_for.knowledge, asked_for.day)
            problems, body, day = dict(made.problems), made.body, asked_for.day
        else:
            body = self._parsed(form.get("request", ""), problems)
        told: dict[str, Any] = {"problems": problems, "decision": None}
        if not problems:
            knowledge, begun = asked_for.here.on(day), time.perf_counter()
            try:
                decision = asked(body, knowledge, asked_for.here.engine, day)
            except CdsError as error:
                told["problems"] = {"request": str(error)}
            else:
                seconds = time.perf_counter() - begun
                told |= {"decision": decision, "answer": decision.answer, "why": _why(decision, knowledge), "day": day}
                told |= {"ms": f"{seconds * 1000:.1f}", "body": orjson.dumps(body, option=orjson.OPT_INDENT_2).decode()}
                told |= {"expectation": _expectation(decision)}
        return page("try_answer.html", 422 if told["problems"] else 200, **self._desk.told(asked_for, **told))

    @staticmethod
    def _parsed(text: str, problems: dict[str, str]) -> Any:
        if len(text) > LONGEST_REQUEST:
            problems["request"] = f"Seen {len(text)} characters; expected at most {LONGEST_REQUEST}."
            return None
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError as error:
            problems["request"] = f"This is not JSON: line {error.lineno}, column {error.colno}: {error.msg}."
            return None

    # Editing ---------------------------------------------------------------------------------------------------------

    def change(self, asked_for: Asked) -> Response:
        """What a changed file does: its problems with line and column, or the stories that come out otherwise."""
        form = asked_for.form
        name, text = form.get("file", ""), form.get("text", "").replace("\r\n", "\n")
        files = dict(self._files())
        told: dict[str, Any] = {"problems": (), "refused": "", "changed": None, "file": name, "saved": False, "stories": 0}
        if name not in files or len(text) > LONGEST_FILE:
            told["refused"] = f"Expected a file of the rules, of at most {LONGEST_FILE} characters."
            return page("try_change.html", 422, **self._desk.told(asked_for, **told))
        before = files[name]
        files[name] = text.encode()
        try:
            told |= self._compared(asked_for, files)
        except BadKnowledge as error:
            told["problems"] = [one for one in error.problems if isinstance(one, Problem)][:MOST_PROBLEMS]
            return page("try_change.html", 422, **self._desk.told(asked_for, **told))
        if form.get("save") == "yes":
            told |= self._saved(name, before, text.encode())
        return page("try_change.html", **self._desk.told(asked_for, **told))

    def _compared(self, asked_for: Asked, files: Mapping[str, bytes]) -> dict[str, Any]:
        """The stories by the changed rules beside those by the rules that serve. Refuses: rules that can't be served."""
        book = from_files(files)
        engine = Engine(book)
        try:
            known = stories(self._rules)
            now = asked_for.revision.book
            as_now = now.remembered.recall("answers of the stories", lambda: self._as_now(known, now))
            changed: list[Changed] = compared(as_now, answers(known, book, engine))
            return {"changed": changed, "stories": len(known), "same": book.revision == now.revision}
        finally:
            engine.close()

    @staticmethod
    def _as_now(known: Mapping[str, ToldStory], book: Knowledge) -> dict[str, tuple[str, ...]]:
        engine = Engine(book)
        try:
            return answers(known, book, engine)
        finally:
            engine.close()

    def _saved(self, name: str, before: bytes, content: bytes) -> dict[str, Any]:
        """The file written, where that is allowed and nobody changed it meanwhile."""
        place = self._rules / name
        if not self._desk.settings.editing or not self._rules.is_dir():
            return {"refused": "This service does not save changes: it runs without CDS_EDITING=yes, or its rules are a pack."}
        if place.read_bytes() != before:
            return {"refused": "The file was changed by somebody else meanwhile; open it again."}
        try:
            _put(place, content)
        except OSError as error:
            return {"refused": f"{name} can't be written ({error.strerror})."}
        return {"saved": True}

    def save_story(self, asked_for: Asked) -> Response:
        """A new example out of what was asked, with the answer of now as its expectation."""
        form = asked_for.form
        name, text = form.get("name", "").strip(), form.get("body", "")
        refused = ""
        folder = self._rules.resolve().parent / "fhir_examples" / name
        if not self._desk.settings.editing:
            refused = "This service saves nothing: it runs without CDS_EDITING=yes."
        elif not NAME.fullmatch(name):
            refused = f"Name: seen {name[:40]!r}; expected small letters and digits with hyphens, such as abrupt-stop-lorazepam."
        elif folder.exists():
            refused = f"Name: there is a story {name} already."
        else:
            try:
                decision = asked(orjson.loads(text[:LONGEST_REQUEST]), asked_for.knowledge, asked_for.here.engine, asked_for.day)
                folder.mkdir(parents=True)
                _put(folder / REQUEST, text.encode())
                _put(folder / "expected.json", _expectation(decision).encode())
                _put(folder / "story.md", f"# {name}\n\nMade in the workbench: say who the patient is.\n".encode())
            except (CdsError, OSError, orjson.JSONDecodeError) as error:
                refused = f"It could not be saved: {error}"
        return page("try_saved.html", 422 if refused else 200, **self._desk.told(asked_for, name=name, refused=refused))


def _why(decision: Decision, knowledge: Knowledge) -> list[tuple[str, list[str], list[str]]]:
    """Of each order what every rule answered and by which conditions: the true ones, then the others with their near misses."""
    words = askable(knowledge)
    found = []
    for judgement, findings in zip(decision.judgements, decision.findings, strict=True):
        named = "; ".join(f"{order.request}: {order.agent}" for order in judgement.orders)
        true = [explained(one, decision.day, words) for one in findings if one.true]
        others = [explained(one, decision.day, words) for one in findings if not one.true]
        found.append((named or "an order of which nothing is shown", true, others))
    return found


def _expectation(decision: Decision) -> str:
    """What `expected.json` of a story holds: the day, and the cards by rule and indicator."""
    cards = [
        {"rule": own["rule"], "order": own.get("order"), "indicator": card["indicator"], "alsoSays": own.get("alsoSays", [])}
        for card in decision.answer["cards"]
        for own in card["extension"].values()
    ]
    kept = {"day": decision.day.isoformat(), "cards": [{k: v for k, v in card.items() if v} for card in cards]}
    return orjson.dumps(kept, option=orjson.OPT_INDENT_2).decode() + "\n"


def _put(place: Path, content: bytes) -> None:
    """Writes the file whole or not at all."""
    descriptor, new = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}.")
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    Path(new).chmod(0o644)
    Path(new).replace(place)
