"""`cds clients`: the file of trusted clients, added to, listed and checked."""

from __future__ import annotations

import asyncio
import json
import os
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich import box
from rich.console import Console
from rich.table import Table

from cds.cli.client_calls import SECONDS, signer, tried
from cds.cli.failing import fail
from cds.errors import CdsError
from cds.fhir.client import AllowedAddress, FhirClient, NotRead
from cds.hooks.client_profiles import Profile
from cds.knowledge.loader import from_files
from cds.knowledge.pack import files_at
from cds.settings import BadSettings, Settings, settings
from cds.trust.client_registry import Client, TrustedClients, check_sites, trusted_clients
from cds.trust.keys import ALGORITHMS, usable

SECONDS_TO_WAIT = 5.0
COLUMNS = ("client", "issuer", "keys", "FHIR servers", "profile", "site")
WIDTH = 160

FileOption = Annotated[Path | None, typer.Option("--file", metavar="FILE", help="The file of clients; else CDS_CLIENTS.")]
clients = typer.Typer(no_args_is_help=True, help="The clients that may call: in one YAML file.")


@clients.command("list")
def show(file: FileOption = None) -> None:
    """Lists the clients, and what each may."""
    table = Table(*COLUMNS, box=box.SIMPLE)
    for client in _read(_path(file)):
        servers = "\n".join(place.base for place in client.fhir_servers)
        table.add_row(client.id, client.issuer, "\n".join(_sources(client)), servers, client.profile, client.site)
    Console(width=WIDTH).print(table)


@clients.command()
def check(
    file: FileOption = None,
    fetch: Annotated[bool, typer.Option("--fetch", help="Read each client's keys from its address too.")] = False,
    call: Annotated[str | None, typer.Option(help="Check no file, but call the service at this address.")] = None,
    issuer: Annotated[str | None, typer.Option(help="With --call: the `iss` of the token that is shown.")] = None,
    key: Annotated[Path | None, typer.Option(help="With --call: the client's private key, a JWK, that signs it.")] = None,
) -> None:
    """Checks the file, its sites by the rules of CDS_RULES; with --fetch also whether the keys of each client can be read now.

    With --call: whether a registration works: discovery, token, hook call, prefetch, drafts and feedback.
    """
    if call is not None:
        _call(call, issuer, key)
        return
    read = _read(_path(file))
    try:
        _check_sites(read)
    except CdsError as error:
        fail(error)
    failed = False
    for client in read:
        told = _fetched(client) if fetch and client.jku else []
        failed = failed or any(keys is None for _, keys in told)
        typer.echo(f"{client.id}: the entry is right")
        for address, keys in told:
            typer.echo(f"  {address}: {'can not be read' if keys is None else keys}")
    if failed:
        raise typer.Exit(2)


def _call(address: str, issuer: str | None, key: Path | None) -> None:
    """Tries each step of a registration and tells what came back. Ends with 2 where one went wrong."""
    if (issuer is None) != (key is None):
        fail("--issuer, --key: seen one of them; expected both, or none where the service verifies nobody.")
    try:
        signs = signer(issuer, key) if issuer and key else None
    except (OSError, ValueError) as error:
        fail(f"--key: {error}")
    day = datetime.now(_settings().time_zone).date()
    with httpx.Client(timeout=SECONDS, trust_env=False) as caller:
        steps = list(tried(address, day, signs, caller))
    for step in steps:
        typer.echo(f"{'right' if step.right else 'WRONG'}  {step.what}: {step.seen}")
    if not all(step.right for step in steps):
        raise typer.Exit(2)


@clients.command()
def add(
    id: Annotated[str, typer.Argument(metavar="ID", help="What logs and counters call the client: small letters and hyphens.")],
    issuer: Annotated[str, typer.Option(help="The `iss` of its tokens.")],
    jku: Annotated[list[str] | None, typer.Option(help="The address of its keys. May be given several times.")] = None,
    keys: Annotated[str | None, typer.Option(help="A file of its keys (JWK Set), beside the file of clients.")] = None,
    fhir_server: Annotated[list[str] | None, typer.Option(help="A FHIR base that may be read for it. Several times.")] = None,
    origin: Annotated[list[str] | None, typer.Option(help="A web origin from which it calls. Several times.")] = None,
    profile: Annotated[Profile, typer.Option(help="The form in which it takes its answers.")] = Profile.STU2,
    site: Annotated[str | None, typer.Option(help="The site by whose rules it is judged; else that of the service.")] = None,
    file: FileOption = None,
) -> None:
    """Adds a client at the end of the file, which is made where there is none. What would be wrong is refused."""
    path = _path(file, must_exist=False)
    members: dict[str, Any] = {
        "issuer": issuer, "jku": jku, "keys": keys, "fhir_servers": fhir_server, "origins": origin,
        "profile": profile.value if profile is not Profile.STU2 else None, "site": site,
    }  # fmt: skip
    before = path.read_text() if path.exists() else "clients:\n"
    lines = [f"    {name}: {json.dumps(value, ensure_ascii=False)}\n" for name, value in members.items() if value]
    trial = path.with_name(f".{path.name}.new")
    try:
        trial.write_text(before.rstrip("\n") + f"\n  {id}:\n" + "".join(lines))
        _check_sites(trusted_clients(trial))
        trial.replace(path)
    except CdsError as error:
        fail(f"Nothing was added to {path}:\n{str(error).replace(str(trial), str(path))}")
    except OSError as error:
        fail(f"{path}: can't be written: {error.strerror}.")
    finally:
        trial.unlink(missing_ok=True)
    typer.echo(f"{path}: added {id}. A service that runs over this file takes it within two seconds.")


def _path(file: Path | None, must_exist: bool = True) -> Path:
    found = file or _settings().clients
    if found is None:
        fail("--file: which file? Name it, or set CDS_CLIENTS.")
    if must_exist and not found.is_file():
        fail(f"{found}: there is no such file.")
    return found


def _read(path: Path) -> TrustedClients:
    try:
        return trusted_clients(path)
    except CdsError as error:
        fail(error)


def _settings() -> Settings:
    try:
        return settings(os.environ)
    except BadSettings as error:
        fail(error)


def _check_sites(read: TrustedClients) -> None:
    """Refuses, with BadClients, a site that can't be served today, and with BadKnowledge rules that can't be loaded."""
    if read.by_site():
        configured = _settings()
        book = from_files(files_at(configured.rules, configured.rules_key))
        check_sites(read, book, datetime.now(configured.time_zone).date())


def _sources(client: Client) -> list[str]:
    return [*client.jku, *([str(client.keys)] if client.keys else [])]


def _fetched(client: Client) -> list[tuple[str, str | None]]:
    """Each address of the client's keys with what it holds in words; None where it can't be read."""

    async def read() -> list[tuple[str, str | None]]:
        reader = FhirClient(SECONDS_TO_WAIT)
        try:
            return [(address, await _keys_at(address, reader)) for address in client.jku]
        finally:
            await reader.close()

    return asyncio.run(read())


async def _keys_at(address: str, reader: FhirClient) -> str | None:
    try:
        found = usable(await reader.read(AllowedAddress(address), address))
    except (NotRead, ValueError):
        return None
    return f"keys {', '.join(sorted(found))}" if found else f"no key for {' or '.join(ALGORITHMS)}"
