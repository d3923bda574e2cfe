"""Keyed hashes: they link what is about the same patient, call or card without naming it."""

from __future__ import annotations

import hmac
import os
import secrets
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

SHORTEST = 32
"""Characters of a key that an operator gives."""


@dataclass(frozen=True, slots=True)
class KeyedHashes:
    """Hashes under one key. Without the key nobody can tell what they are of, nor try names until one fits."""

    key: bytes = field(repr=False)

    def patient(self, client: str, fhir_server: str | None, id: str) -> str:
        """The patient of an id, which means the same person only within one client's FHIR server."""
        return self._hash("patient", client, fhir_server or "", id)

    def call(self, hook_instance: str) -> str:
        return self._hash("call", hook_instance.lower())

    def card(self, uuid: str) -> str:
        return self._hash("card", uuid.strip().lower())

    def suggestion(self, uuid: str) -> str:
        return self._hash("suggestion", uuid.strip().lower())

    def plan(self, decision: str, place: int) -> bytes:
        """What the address of a stored plan ends with, so that nobody can guess one."""
        return bytes.fromhex(self._hash("plan", decision, str(place)))

    def _hash(self, *texts: str) -> str:
        told = "\0".join(f"{len(text)}:{text}" for text in texts)
        return hmac.digest(self.key, told.encode("utf-8", "surrogatepass"), "sha256")[:16].hex()


def keyed(given: str) -> KeyedHashes:
    """The hashes under a key that an operator gave. Refuses: one that is short enough to be guessed."""
    if len(given) < SHORTEST:
        raise ValueError(f"expected at least {SHORTEST} characters that nobody can guess; seen {len(given)}.")
    return KeyedHashes(given.encode())


def kept_in(path: Path) -> KeyedHashes:
    """The hashes under the key in a file; where there is none yet, one is made that only its owner can read."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, new = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(SHORTEST) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # another process was first: its key is the key
            os.link(new, path)
        Path(new).unlink()
    return keyed(path.read_text().strip())
