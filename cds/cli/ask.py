"""`cds ask`: one hook call, asked here or of a running service, its cards in the terminal."""

from __future__ import annotations

import os
import sys
from datetime import date, datetime
from typing import Annotated, Any
from uuid import uuid4

import httpx
import orjson
import typer
from rich.console import Console

from cds.cli.asked_on_a_day import as_day, moved, read, service_of
from cds.cli.failing import fail
from cds.cli.show import show, show_why
from cds.decision.decide import Decision, decide
from cds.engine.engine import Engine
from cds.errors import CdsError
from cds.hooks.messages import hook_call
from cds.knowledge.model import Knowledge
from cds.knowledge.pack import chosen
from cds.settings import Settings, settings

SECONDS_TO_WAIT = 30


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
