"""Sealed for the centre alone: HPKE (RFC 9180) to its filing key, so that a kiosk cannot open what it keeps.

Suite: DHKEM(X25519), HKDF-SHA256, AES-256-GCM. The context (`about`) names the filing, so that one
sealed package cannot be handed in under another's id.
"""

from __future__ import annotations

from base64 import b64decode, b64encode

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
INFO = b"motcua filing 1"


class NotSealed(Exception):
    """These bytes were not sealed for this centre and purpose, or were changed."""


def private_key(master: bytes) -> X25519PrivateKey:
    """The centre's filing key, derived from the vault's master key (32 bytes): nothing more to keep."""
    derived = HKDF(SHA256(), 32, salt=None, info=b"motcua filing key 1").derive(master)
    return X25519PrivateKey.from_private_bytes(derived)


def public_text(key: X25519PrivateKey) -> str:
    """The public half as base64, as devices get it."""
    return b64encode(key.public_key().public_bytes_raw()).decode()


def seal(data: bytes, public: str, about: str) -> bytes:
    """`data` for the holder of the private half alone; raises ValueError for a bad public key."""
    key = X25519PublicKey.from_public_bytes(b64decode(public, validate=True))
    return SUITE.encrypt(data, key, INFO + about.encode())


def unseal(sealed: bytes, key: X25519PrivateKey, about: str) -> bytes:
    """Raises NotSealed."""
    try:
        return SUITE.decrypt(sealed, key, INFO + about.encode())
    except (InvalidTag, ValueError) as error:
        raise NotSealed() from error
