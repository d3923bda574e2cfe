"""The clients that are trusted, out of one YAML file: who they are, where their keys are, and what they may."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import orjson

from cds.core.record import RecordPart
from cds.errors import BadKnowledge, CdsError
from cds.fhir.client import AllowedAddress
from cds.hooks.client_profiles import ALL, Abilities, Item, Profile
from cds.knowledge.fields import Fields
from cds.knowledge.model import Knowledge
from cds.knowledge.position import Position
from cds.knowledge.problems import Problem, Problems
from cds.knowledge.site_overlay import site
from cds.knowledge.yaml_text import Node, Pairs, Scalar, read
from cds.trust.addresses import HTTPS, ORIGIN, wrong_address, wrong_origin
from cds.trust.keys import ALGORITHMS, usable

ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
REQUIRED = ("issuer",)
OPTIONAL = (
    "jku", "keys", "algorithms", "audiences", "tenants", "fhir_servers", "private_addresses", "origins", "profile",
    "calls_a_minute", "prefetch_names", "site", "subject", "cards", "tables", "care_plan", "extension", "preference_list",
)  # fmt: skip
WRONG, NO_SITE = "RULE023", "RULE166"


class BadClients(CdsError):
    """A file of clients that can't be used; holds every problem."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


@dataclass(frozen=True, slots=True)
class Client:
    """One CDS client. Without an issuer it stands for every caller of a service that verifies none.

    `jku` are the only addresses from which its keys are read, `keys` a file of them. `audiences` are accepted beside the address
    that was called. `prefetch_names` gives our name of a prefetch key for the client's own. `site` is the one by
    whose overlay its calls are judged; None is that of the service. `subject` is our own id at its authorization server.
    """

    id: str
    issuer: str | None = None
    jku: tuple[str, ...] = ()
    keys: Path | None = None
    algorithms: tuple[str, ...] = ALGORITHMS
    audiences: tuple[str, ...] = ()
    tenants: frozenset[str] = frozenset()
    fhir_servers: tuple[AllowedAddress, ...] = ()
    origins: tuple[str, ...] = ()
    profile: Profile = Profile.STU2
    can: Abilities = ALL
    calls_a_minute: int | None = None
    prefetch_names: Mapping[str, str] = field(default_factory=dict)
    site: str | None = None
    subject: str | None = None
    site_at: Position = field(default=Position("-"), compare=False)
    """Where the site is named."""

    def server(self, url: str) -> AllowedAddress | None:
        """The FHIR server at an address, where the client may have it read."""
        return next((AllowedAddress(url, place.private or place.inside) for place in self.fhir_servers if place.holds(url)), None)


@dataclass(frozen=True, slots=True)
class TrustedClients:
    """The clients by their issuer."""

    by_issuer: Mapping[str, Client] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Client]:
        return iter(self.by_issuer.values())

    def __len__(self) -> int:
        return len(self.by_issuer)

    def origins(self) -> tuple[str, ...]:
        """Every web origin from which any of them calls."""
        return tuple(dict.fromkeys(origin for client in self for origin in client.origins))

    def by_site(self) -> dict[str, tuple[str, ...]]:
        """The ids of the clients that name a site, by that."""
        named = sorted({client.site for client in self if client.site})
        return {site: tuple(client.id for client in self if client.site == site) for site in named}


def trusted_clients(path: Path) -> TrustedClients:
    """The clients in a file. Refuses, all at once: what can't be read, and what would trust more than is meant."""
    problems = Problems()
    try:
        content = path.read_bytes()
    except OSError as error:
        seen = f"the file of clients can't be read: {error.strerror}."
        raise BadClients([Problem("RULE010", "missing-file", Position(str(path)), seen)]) from None
    root = read(str(path), content, problems)
    listed = Fields(root, problems, ["clients"]).node("clients")
    found = [_client(key, node, path.parent, problems) for key, node in listed.pairs] if isinstance(listed, Pairs) else []
    if not found and not problems.found:
        position = listed.position if listed else Position(str(path))
        problems.add("RULE022", position, "no client stands here.", "Expected: the id of each client, and under it `issuer`.")
    _refuse_shared_issuers(found, listed, problems)
    if problems.found:
        raise BadClients(problems.in_order())
    return TrustedClients({client.issuer: client for client in found if client.issuer})


def check_sites(clients: Iterable[Client], book: Knowledge, day: date) -> None:
    """Refuses, with BadClients, all at once: a site that the rule book does not hold, or that can't be served on the day."""
    problems = Problems()
    named = [client for client in clients if client.site]
    wrong = {id: _wrong_at(book, id, day) for id in {client.site or "" for client in named}}
    for client in named:
        found = wrong[client.site or ""]
        problems.found += [replace(one, position=client.site_at) if one.code == NO_SITE else one for one in found]
    if problems.found:
        raise BadClients(problems.in_order())


def _wrong_at(book: Knowledge, id: str, day: date) -> list[Problem]:
    """Why a site can't be served on a day; nothing where it can."""
    try:
        site(book, id, day)
    except BadKnowledge as refused:
        return [one for one in refused.problems if isinstance(one, Problem)]
    return []


def _client(key: Scalar, node: Node, folder: Path, problems: Problems) -> Client:
    fields = Fields(node, problems, REQUIRED, OPTIONAL)
    if ID.fullmatch(key.text) is None:
        seen = f"`{key.text}` is no id of a client."
        problems.add(WRONG, key.position, seen, "Expected: small letters, digits and hyphens, such as general-hospital.")
    if not fields.node("jku") and not fields.node("keys"):
        problems.add("RULE021", fields.position, "neither `jku` nor `keys` stands here.", "", "Say where the client's keys are.")
    private = fields.yes_no("private_addresses")
    own = fields.text("profile", Profile.STU2.value) in set(Profile)
    fields.one_of("profile", [profile.value for profile in Profile])
    return Client(
        id=key.text,
        issuer=fields.optional_text("issuer"),
        jku=tuple(_web(fields, "jku")),
        keys=_key_file(fields, folder),
        algorithms=fields.each_of("algorithms", ALGORITHMS) or ALGORITHMS,
        audiences=fields.texts("audiences"),
        tenants=frozenset(fields.texts("tenants")),
        fhir_servers=tuple(AllowedAddress(url, private) for url in _web(fields, "fhir_servers")),
        origins=tuple(_origins(fields)),
        profile=Profile(fields.text("profile", Profile.STU2.value)) if own else Profile.STU2,
        can=_abilities(fields),
        calls_a_minute=fields.whole("calls_a_minute") if fields.node("calls_a_minute") else None,
        prefetch_names=dict(_prefetch_names(fields)),
        subject=fields.optional_text("subject"),
        site=fields.optional_text("site"),
        site_at=fields.at("site"),
    )


def _abilities(fields: Fields) -> Abilities:
    """What the client does with a card: `cards: words-only`, `tables: plain`, `care_plan: no`, `extension: no`, its items."""

    def is_not(key: str, choices: tuple[str, str]) -> bool:
        return fields.node(key) is None or fields.one_of(key, choices) != choices[0]

    return Abilities(
        suggestions=is_not("cards", ("words-only", "suggestions")),
        tables=is_not("tables", ("plain", "markdown")),
        care_plan=is_not("care_plan", ("no", "yes")),
        extension=is_not("extension", ("no", "yes")),
        items=tuple(_items(fields)),
    )


def _items(fields: Fields) -> Iterator[Item]:
    """The items of a preference list, each with the order that it places."""
    for node in fields.items("preference_list") if fields.node("preference_list") is not None else ():
        item = Fields(node, fields.problems, ["item", "product"], ["directions", "days"])
        days = item.whole("days") if item.node("days") is not None else None
        yield Item(item.text("item"), item.text("product"), item.texts("directions"), days)


def _web(fields: Fields, key: str) -> Iterator[str]:
    for item in fields.scalars(key):
        wrong = wrong_address(item.text)
        if wrong:
            seen = "an address with a name and a password" if "@" in item.text else f"`{item.text}`"
            fields.problems.add(WRONG, item.position, f"{seen} {wrong}", HTTPS)
        else:
            yield item.text.rstrip("/")


def _origins(fields: Fields) -> Iterator[str]:
    for item in fields.scalars("origins"):
        wrong = wrong_origin(item.text)
        if wrong:
            fields.problems.add(WRONG, item.position, f"`{item.text}` {wrong}", ORIGIN)
        else:
            yield item.text


def _key_file(fields: Fields, folder: Path) -> Path | None:
    name = fields.optional_text("keys")
    if name is None:
        return None
    path = folder / name
    try:
        keys = usable(orjson.loads(path.read_bytes()))
    except (OSError, ValueError) as error:
        told = str(error) if isinstance(error, ValueError) and not isinstance(error, orjson.JSONDecodeError) else "can't be read."
        fields.problems.add(WRONG, fields.at("keys"), f"{path}: {told}", "Expected: a JWK Set, with public keys alone.")
        return None
    if not keys:
        fields.problems.add(WRONG, fields.at("keys"), f"{path} holds no key for {' or '.join(ALGORITHMS)} with a `kid`.")
    return path


def _prefetch_names(fields: Fields) -> Iterator[tuple[str, str]]:
    node = fields.node("prefetch_names")
    ours = [part.value for part in RecordPart]
    if node is not None and not isinstance(node, Pairs):
        fields.problems.add("RULE022", node.position, "this is no mapping.", "Expected: the client's key, and ours.")
        return
    for key, value in node.pairs if node else ():
        if isinstance(value, Scalar) and value.text in ours:
            yield key.text, value.text
        else:
            fields.problems.add(WRONG, value.position, "this is no prefetch key of ours.", f"Expected one of: {', '.join(ours)}.")


def _refuse_shared_issuers(found: Iterable[Client], listed: Node | None, problems: Problems) -> None:
    first: dict[str, str] = {}
    for client in found:
        if client.issuer and first.setdefault(client.issuer, client.id) != client.id and isinstance(listed, Pairs):
            seen = f"`{client.id}` has the issuer of `{first[client.issuer]}`."
            position = next(key.position for key, _ in listed.pairs if key.text == client.id)
            problems.add("RULE025", position, seen, "One issuer is one client.", "List its `tenants` to tell them apart.")
