"""The Ed25519 signature of a rule pack's manifest."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from cds.knowledge.pack import BadPack


def signed(told: bytes, key: bytes) -> bytes:
    """The signature of a manifest by a private key."""
    return _private(key).sign(told)


def verify(told: bytes, signature: bytes | None, key: bytes) -> None:
    """Refuses, with BadPack, a manifest that the public key did not sign."""
    public = _public(key)
    if signature is None:
        raise BadPack("The pack is not signed, and a key is set. Sign it: `cds rules pack --key`.")
    try:
        public.verify(signature, told)
    except InvalidSignature:
        raise BadPack(
            "The pack was not signed with this key, or was changed since. Fetch it again, or set the right key."
        ) from None


def _private(pem: bytes) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(pem, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BadPack(f"The key can't be read: {error}. Expected an Ed25519 private key as PEM, without a passphrase.") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise BadPack("The key is of another kind. Expected an Ed25519 private key: `openssl genpkey -algorithm ed25519`.")
    return key


def _public(pem: bytes) -> Ed25519PublicKey:
    try:
        key = load_pem_public_key(pem)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BadPack(f"The key can't be read: {error}. Expected an Ed25519 public key as PEM.") from None
    if not isinstance(key, Ed25519PublicKey):
        raise BadPack("The key is of another kind. Expected an Ed25519 public key: `openssl pkey -pubout`.")
    return key
