"""`cds ask`: one hook call, asked here or of a running service, its cards in the terminal."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import httpx
import orjson
import typer
from rich.console import Console

from cds.cli.failing import fail
from cds.cli.show import show, show_why
from cds.decision.decide import Decision, decide
from cds.engine.engine import Engine
from cds.errors import CdsError
from cds.hooks.messages import hook_call
from cds.hooks.services import HOOKS
from cds.knowledge.model import Knowledge
from cds.knowledge.pack import chosen
from cds.settings import Settings, settings

REQUEST, EXPECTED = "request.json", "expected.json"
DATE = re.compile(r"(\d{4}-\d{2})(-\d{2}(T.*)?)?", re.DOTALL)
"""A FHIR date of at least a month; a year alone is left, since codes look like one."""
MIDDLE = "-15"
"""The day for which a month stands while it is moved."""
SECONDS_TO_WAIT = 30


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """A request that was read, and the day that it is told on, where it belongs to a story."""

    body: Any
    day: date | None


Request = Annotated[str, typer.Argument(metavar="REQUEST.json", help="A hook call: a file, a story's folder, or - (stdin).")]
Service = Annotated[str | None, typer.Option(help="The service to ask; else the one for the request's hook.")]
Day = Annotated[
    str | None, typer.Option(metavar="YYYY-MM-DD", help="As if on this day, to which a story moves; else its own, else today.")
]
Server = Annotated[str | None, typer.Option(metavar="URL", help="Ask a running service; a story's dates move to today.")]
Json = Annotated[bool, typer.Option("--json", help="Print the answer as it is sent.")]
Sent = Annotated[bool, typer.Option("--print-request", help="Print the request, a story's dates moved to the day; ask nobody.")]
Full = Annotated[bool, typer.Option("--full", help="Show the long text of each card: all that stands behind it.")]
Why = Annotated[bool, typer.Option("--why", help="Tell of every rule why it was true or not.")]


def ask(
    request: Request,
    service: Service = None,
    day: Day = None,
    server: Server = None,
    json: Json = False,
    why: Why = False,
    print_request: Sent = False,
    full: Full = False,
) -> None:
    """Asks about one hook call and shows the cards as a clinician would see them."""
    if server and (why or day or full):
        fail(
            "--server: a running service decides on its own day, and says neither why nor all that stands behind a card; "
            "leave out --day, --why and --full, or --server."
        )
    try:
        configured = settings(os.environ)
        asked = read(request)
        today = datetime.now(configured.time_zone).date()
        if print_request:
            _print(moved(asked, as_day(day) if day else today))
            return
        id = service or service_of(asked.body)
        if server:
            answer = answer_of(server, id, moved(asked, today))
            decision = None
        else:
            on = as_day(day) if day else asked.day or today
            decision, weighed = decided(id, moved(asked, on), configured, on, full)
            answer = decision.answer
    except CdsError as error:
        fail(error)
    if json:
        _print(answer)
        return
    console = Console()
    show(answer, console)
    if why and decision is not None:
        show_why(decision, weighed, console)


def _print(body: object) -> None:
    sys.stdout.write(orjson.dumps(body, option=orjson.OPT_INDENT_2).decode() + "\n")


def decided(service: str, body: object, configured: Settings, day: date, at_length: bool = False) -> tuple[Decision, Knowledge]:
    """The decision about a call, made here with the rules of the settings."""
    read_rules = chosen(configured.rules, configured.rules_key, configured.site, day)
    engine = Engine(read_rules)
    try:
        call = hook_call(service, body)
        return decide(call, read_rules, engine, day, str(uuid4()), lambda: str(uuid4()), at_length=at_length), read_rules
    finally:
        engine.close()


def answer_of(server: str, service: str, body: object) -> Any:
    """The answer of a running service. Ends the command where there is none."""
    address = f"{server.rstrip('/')}/cds-services/{service}"
    try:
        sent = {"Content-Type": "application/json"}
        response = httpx.post(address, content=orjson.dumps(body), headers=sent, timeout=SECONDS_TO_WAIT)
        answer = orjson.loads(response.content)
    except (httpx.HTTPError, httpx.InvalidURL, orjson.JSONDecodeError) as error:
        fail(f"{address}: no answer that can be read ({type(error).__name__}). Is the service running there?")
    if response.status_code != httpx.codes.OK:
        fail(f"{address}: answered {response.status_code}. {told(answer)}")
    return answer


def told(outcome: object) -> str:
    """What an OperationOutcome says."""
    try:
        return " ".join(issue["details"]["text"] for issue in outcome["issue"])  # type: ignore[index]
    except (KeyError, TypeError):
        return ""


def read(request: str) -> ReadRequest:
    """The hook call in a file, a story's folder or standard input, with the story's day."""
    if request == "-":
        return ReadRequest(parsed(sys.stdin.buffer.read(), "standard input"), None)
    path = Path(request)
    if path.is_dir():
        path = path / REQUEST
    if not path.is_file():
        fail(f"{request}: there is no such file. Give a hook call as JSON, a folder with a {REQUEST}, or - for standard input.")
    body = parsed(path.read_bytes(), str(path))
    story = path.with_name(EXPECTED)
    told_on = parsed(story.read_bytes(), str(story)).get("day") if path.name == REQUEST and story.is_file() else None
    return ReadRequest(body, as_day(told_on) if told_on else None)


def parsed(content: bytes, where: str) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        fail(f"{where}:{error.lineno}:{error.colno}: this is not JSON: {error.msg}")


def as_day(text: str, option: str = "--day") -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        fail(f"{option}: seen {text!r}; expected a day such as 2026-11-23.")


def service_of(body: object) -> str:
    """The service that answers the hook of a request."""
    hook = body.get("hook") if isinstance(body, Mapping) else None
    found = next((id for id, answered in HOOKS.items() if answered == hook), None)
    if found is None:
        fail(f"hook: seen none that a service answers; expected one of {', '.join(HOOKS.values())}. Or name a --service.")
    return found


def moved(asked: ReadRequest, on: date) -> Any:
    """The request with every date moved by the time between the story's day and another, so that it tells the same story then."""
    return _moved(asked.body, on - asked.day) if asked.day else asked.body


def _moved(value: Any, by: timedelta) -> Any:
    if isinstance(value, dict):
        return {name: _moved(member, by) for name, member in value.items()}
    if isinstance(value, list):
        return [_moved(member, by) for member in value]
    found = DATE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return value
    try:
        if found[2] is None:
            return (date.fromisoformat(value + MIDDLE) + by).isoformat()[: len(value)]
        return (date.fromisoformat(value[:10]) + by).isoformat() + (found[3] or "")
    except (ValueError, OverflowError):
        return value
