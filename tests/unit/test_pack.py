"""A rule pack: the same bytes for the same rules, and refused whole when anything in it is not what it says."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from cds.knowledge.loader import files_of, from_files, revision
from cds.knowledge.pack import MANIFEST, SIGNATURE, BadPack, files_at, pack, unpacked

RULES = Path(__file__).parents[2] / "rules"
FILES = {"paces.yaml": b"paces: {}\n", "risk/long-use.yaml": b"risk: long-use\n", "drugs/names.csv": "a,ä\n".encode()}


def private(key: object) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())  # type: ignore[attr-defined, no-any-return]


def public(key: object) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined, no-any-return]


OURS, OTHER, ELLIPTIC = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate(), generate_private_key(SECP256R1())


def rewritten(content: bytes, change: Callable[[dict[str, bytes]], None]) -> bytes:
    """The archive with its entries changed, as someone would who can write a ZIP."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    change(entries)
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, text in entries.items():
            archive.writestr(name, text)
    return held.getvalue()


def test_what_is_packed_comes_out_again() -> None:
    opened = unpacked(pack(FILES, "0.1.0"))
    assert (opened.files, opened.revision, opened.program, opened.signed) == (FILES, revision(FILES), "0.1.0", False)


def test_equal_rules_make_equal_bytes_in_whatever_order() -> None:
    assert pack(FILES, "0.1.0") == pack(dict(reversed(FILES.items())), "0.1.0")
    assert pack(FILES, "0.1.0", private(OURS)) == pack(FILES, "0.1.0", private(OURS))


def test_the_whole_rule_book_is_the_same_knowledge_from_a_pack() -> None:
    files = files_of(RULES)
    assert from_files(unpacked(pack(files, "0.1.0")).files).revision == revision(files)


def test_a_signed_pack_is_taken_with_its_key_and_without_one() -> None:
    signed = pack(FILES, "0.1.0", private(OURS))
    assert unpacked(signed, public(OURS)).signed
    assert unpacked(signed).signed


def put(name: str, content: bytes) -> Callable[[dict[str, bytes]], None]:
    return lambda entries: entries.__setitem__(name, content)


TAMPERED = {
    "a file changed": put("rules/paces.yaml", b"paces: {a: b}\n"),
    "a file added": put("rules/more.yaml", b""),
    "a file beside the rules": put("run.sh", b""),
    "a file that leaves the folder": put("../rules/more.yaml", b""),
    "a file taken out": lambda entries: entries.pop("rules/paces.yaml"),
    "no manifest": lambda entries: entries.pop(MANIFEST),
    "a manifest that is no JSON": put(MANIFEST, b"{"),
    "a manifest that is a list": put(MANIFEST, b"[]"),
    "another format": lambda entries: entries.update({MANIFEST: entries[MANIFEST].replace(b'"format": 1', b'"format": 2')}),
    "another revision": lambda entries: entries.update({MANIFEST: entries[MANIFEST].replace(b"sha256:", b"sha256:0")}),
}


@pytest.mark.parametrize("change", TAMPERED.values(), ids=TAMPERED)
def test_a_pack_that_was_changed_is_refused(change: Callable[[dict[str, bytes]], None]) -> None:
    with pytest.raises(BadPack):
        unpacked(rewritten(pack(FILES, "0.1.0"), change))


@pytest.mark.parametrize(
    "content", [b"", b"paces: {}", b"PK\x03\x04", pack(FILES, "0.1.0")[:-40]], ids=["empty", "yaml", "zip", "cut"]
)
def test_what_is_no_pack_is_refused(content: bytes) -> None:
    with pytest.raises(BadPack, match="no rule pack"):
        unpacked(content)


@pytest.mark.parametrize(
    ("content", "key", "says"),
    [
        (pack(FILES, "0.1.0"), public(OURS), "not signed"),
        (pack(FILES, "0.1.0", private(OTHER)), public(OURS), "not signed with this key"),
        (rewritten(pack(FILES, "0.1.0", private(OURS)), put(SIGNATURE, b"x" * 64)), public(OURS), "not signed with this key"),
        (pack(FILES, "0.1.0", private(OURS)), b"no key", "can't be read"),
        (pack(FILES, "0.1.0", private(OURS)), private(OURS), "can't be read"),
        (pack(FILES, "0.1.0", private(OURS)), public(ELLIPTIC), "another kind"),
    ],
    ids=["unsigned", "another key", "a broken signature", "no key", "the private key", "a key of another kind"],
)
def test_with_a_key_only_what_it_signed_is_taken(content: bytes, key: bytes, says: str) -> None:
    with pytest.raises(BadPack, match=says):
        unpacked(content, key)


@pytest.mark.parametrize("key", [b"no key", public(OURS), private(ELLIPTIC)], ids=["no key", "the public key", "another kind"])
def test_only_an_ed25519_private_key_signs(key: bytes) -> None:
    with pytest.raises(BadPack):
        pack(FILES, "0.1.0", key)


def test_rules_are_had_from_a_folder_or_a_pack(tmp_path: Path) -> None:
    (tmp_path / "risk").mkdir()
    (tmp_path / "risk/long-use.yaml").write_bytes(b"risk: long-use\n")
    packed = tmp_path / "rules.taper"
    packed.write_bytes(pack(FILES, "0.1.0"))
    assert files_at(tmp_path) == {"risk/long-use.yaml": b"risk: long-use\n"}
    assert files_at(packed) == FILES


def test_with_a_key_a_folder_is_refused(tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.write_bytes(public(OURS))
    with pytest.raises(BadPack, match="nobody signed"):
        files_at(tmp_path, key)


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadPack, match="neither a folder"):
        files_at(tmp_path / "none")
