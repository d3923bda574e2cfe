"""Operators who sign in by a password: a file with a line for each, the name and an Argon2 hash of the password."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from cds.errors import CdsError

NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")
SHORTEST, LONGEST = 12, 256
"""Characters of a password."""
HASHER = PasswordHasher()
NOBODY = HASHER.hash("no one has this password")
"""Checked where a name is unknown, so that an answer takes as long as for a known one."""


class BadPasswords(CdsError):
    """A file of passwords, a name or a password that can't be used."""


@dataclass(frozen=True, slots=True)
class Passwords:
    """The hashes by name."""

    hashes: dict[str, str]

    def fits(self, name: str, password: str) -> bool:
        """Whether it is the password of that name."""
        if len(password) > LONGEST:
            return False
        try:
            return HASHER.verify(self.hashes.get(name, NOBODY), password) and name in self.hashes
        except (VerificationError, InvalidHashError):
            return False


def line(name: str, password: str) -> str:
    """The line of a file of passwords. Refuses: a name or a password that can't be used (BadPasswords)."""
    if not NAME.fullmatch(name):
        raise BadPasswords(f"name: seen {name!r}; expected up to 64 small letters, digits, and . _ @ -, a letter or digit first.")
    if not SHORTEST <= len(password) <= LONGEST:
        raise BadPasswords(f"password: seen {len(password)} characters; expected {SHORTEST} to {LONGEST}.")
    return f"{name}:{HASHER.hash(password)}"


def passwords(file: Path) -> Passwords:
    """The passwords in a file; empty lines and those that start with # do not count. Refuses: another line (BadPasswords)."""
    found: dict[str, str] = {}
    try:
        lines = file.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadPasswords(f"{file}: can't be read ({type(error).__name__}).") from None
    for number, text in enumerate(lines, start=1):
        if not text.strip() or text.startswith("#"):
            continue
        name, _, hashed = text.strip().partition(":")
        if not NAME.fullmatch(name) or not hashed.startswith("$argon2id$"):
            raise BadPasswords(f"{file}:{number}: expected name:hash as `cds pages password NAME` prints it.")
        if name in found:
            raise BadPasswords(f"{file}:{number}: {name} stands there twice; expected one line for each name.")
        found[name] = hashed
    return Passwords(found)
