"""One file that holds a whole rule book at one revision: packed to the same bytes everywhere, checked before it is read."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any

from cds.errors import CdsError
from cds.knowledge.loader import files_of, from_files, revision
from cds.knowledge.model import Knowledge
from cds.knowledge.site_overlay import site as at_site

FORMAT = 1
MANIFEST, SIGNATURE, RULES = "manifest.json", "manifest.sig", "rules/"
EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The time of every entry, so that equal rules make equal bytes."""
LARGEST = 64 * 1024 * 1024
"""Bytes in all the files of a pack; a whole rule book has under 2 MB."""
HOW_TO_PACK = "Make one with `cds rules pack`."


class BadPack(CdsError):
    """A rule pack that can't be trusted or read. Nothing of it is used."""


@dataclass(frozen=True, slots=True)
class Pack:
    """What a pack holds, checked: every hash, and where a key was given, the signature."""

    files: Mapping[str, bytes]
    """The rule files by their path under `rules/`."""
    revision: str
    program: str
    """The version of the program that made it."""
    signed: bool
    """Whether it holds a signature; checked only where a key was given."""


def pack(files: Mapping[str, bytes], program: str, key: bytes | None = None) -> bytes:
    """The bytes of a pack, the same for the same files. `key` is an Ed25519 private key as PEM; without one it is not signed."""
    manifest = {
        "format": FORMAT,
        "program": program,
        "revision": revision(files),
        "files": {name: _sha256(files[name]) for name in sorted(files)},
    }
    told = json.dumps(manifest, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n"
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_STORED) as archive:
        _write(archive, MANIFEST, told)
        if key is not None:
            _write(archive, SIGNATURE, _signatures().signed(told, key))
        for name in sorted(files):
            _write(archive, RULES + name, files[name])
    return held.getvalue()


def unpacked(content: bytes, key: bytes | None = None) -> Pack:
    """What the pack holds. `key` is an Ed25519 public key as PEM; with it, only what that key signed is taken.

    Refuses, with BadPack: what is no pack or of another format; any file that is missing, added or changed; a wrong signature.
    """
    entries = _entries(content)
    told, signature = entries.pop(MANIFEST, b""), entries.pop(SIGNATURE, None)
    if key is not None:
        _signatures().verify(told, signature, key)
    manifest = _manifest(told)
    files = {name.removeprefix(RULES): held for name, held in entries.items() if name.startswith(RULES)}
    seen = {name: _sha256(held) for name, held in files.items()}
    if seen != manifest["files"] or len(files) != len(entries):
        differing = sorted(
            name for name in seen.keys() | manifest["files"].keys() if seen.get(name) != manifest["files"].get(name)
        )
        raise BadPack(f"The pack's files are not those of its manifest: {', '.join(differing[:5])}. Fetch it again.")
    if revision(files) != manifest["revision"]:
        raise BadPack(f"The pack says {manifest['revision']}, and its files are {revision(files)}. Fetch it again.")
    return Pack(files, manifest["revision"], str(manifest["program"]), signature is not None)


def files_at(place: Path, key: Path | None = None) -> Mapping[str, bytes]:
    """The rule files of a folder or of a pack. Refuses: with a key, a folder, and a pack that the key did not sign."""
    if place.is_dir():
        if key is not None:
            raise BadPack(f"{place} is a folder, which nobody signed, and a key is set. Serve a signed pack, or set no key.")
        return files_of(place)
    if not place.exists():
        raise BadPack(f"{place}: neither a folder of rules nor a rule pack stands here. Put it back.")
    return unpacked(_read(place, "rule pack"), _read(key, "key") if key else None).files


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadPack(f"{path}: this {what} can't be read: {error.strerror}.") from None


def _write(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, EARLIEST)
    entry.create_system, entry.external_attr = 3, 0o644 << 16
    archive.writestr(entry, content)


def _entries(content: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            listed = archive.infolist()
            if sum(entry.file_size for entry in listed) > LARGEST:
                raise BadPack(f"The pack holds over {LARGEST // 1024 // 1024} MB; a rule book is far smaller. {HOW_TO_PACK}")
            if len({entry.filename for entry in listed}) != len(listed):
                raise BadPack(f"The pack holds a file twice. {HOW_TO_PACK}")
            return {entry.filename: archive.read(entry) for entry in listed}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise BadPack(f"This is no rule pack: {error}. {HOW_TO_PACK}") from None


def _manifest(told: bytes) -> dict[str, Any]:
    try:
        manifest = json.loads(told)
    except ValueError:
        raise BadPack(f"This is no rule pack: its {MANIFEST} is missing or is not JSON. {HOW_TO_PACK}") from None
    if not isinstance(manifest, dict) or not isinstance(manifest.get("files"), dict):
        raise BadPack(f"This is no rule pack: its {MANIFEST} lists no files. {HOW_TO_PACK}")
    if manifest.get("format") != FORMAT:
        raise BadPack(
            f"The pack is of format {manifest.get('format')}; this program reads format {FORMAT}. Update the older one."
        )
    return {"program": "", "revision": "", **manifest}


def _signatures() -> Any:
    """What signs and verifies: slow to import, and most commands look at no signature."""
    return import_module("cds.knowledge.signatures")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def chosen(place: Path, key: Path | None, site: str | None, day: date) -> Knowledge:
    """The knowledge as it holds on a day. Refuses: files that can't be loaded, a pack that can't be trusted, no such site."""
    read = from_files(files_at(place, key))
    return read if site is None else at_site(read, site, day)
