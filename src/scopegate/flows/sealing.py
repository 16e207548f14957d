"""Sealing: what the server hands out to get it back, and what it keeps that it cannot read without the presenter.

Loaded when a server is built, so that importing the package does not load the cryptography library.
"""

from base64 import urlsafe_b64decode
from binascii import Error
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from attrs import field, frozen
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from scopegate.core.credentials import Entropy, encode
from scopegate.errors import ConfigurationError

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12


def _decode(text: str) -> bytes | None:
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (Error, ValueError):
        return None


def _hkdf(material: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt, info).derive(material)


@frozen
class Opened:
    """What was sealed, and the key that sealed it."""

    payload: bytes = field(repr=False)
    key: bytes = field(repr=False)


class Sealer:
    """Seals with the newest key, opens with any.

    Args:
        keys: keys as printed by ``python -m scopegate key``, newest first.

    Raises:
        ConfigurationError: there is none, or one is not 256 bits of base64url.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        decoded = [_decode(key.strip()) for key in keys]
        if not decoded or any(key is None or len(key) < KEY_BYTES for key in decoded):
            msg = (
                "sealing_keys needs at least one key of 256 bits: make one with 'python -m scopegate key', keep it"
                " secret, and hand it in, newest first"
            )
            raise ConfigurationError(msg)
        self._keys = [key for key in decoded if key is not None]
        self._purpose_key = lru_cache(maxsize=64)(self._make_purpose_key)

    def __repr__(self) -> str:
        return f"<Sealer with {len(self._keys)} keys>"

    @staticmethod
    def _make_purpose_key(key: bytes, purpose: str) -> AESGCM:
        return AESGCM(_hkdf(key, b"scopegate", purpose.encode()))

    def seal(self, purpose: str, payload: bytes, entropy: Entropy) -> str:
        """Encrypt and authenticate with the newest key; it opens for the same purpose only."""
        nonce = entropy(NONCE_BYTES)
        return encode(nonce + self._purpose_key(self._keys[0], purpose).encrypt(nonce, payload, None))

    def open(self, purpose: str, text: str) -> Opened | None:
        """What was sealed for this purpose, or None: forged, damaged, or sealed by a key that is gone."""
        data = _decode(text) if text.isascii() else None
        if data is None or len(data) <= NONCE_BYTES:
            return None
        for key in self._keys:
            try:
                payload = self._purpose_key(key, purpose).decrypt(
                    data[:NONCE_BYTES], data[NONCE_BYTES:], None
                )
            except InvalidTag:
                continue
            return Opened(payload, key)
        return None

    @staticmethod
    def derive(key: bytes, info: str) -> str:
        """A secret of 256 bits that follows from a key and a name; the same again for the same."""
        return encode(_hkdf(key, b"scopegate derive", info.encode()))

    def seal_reply(self, secret: str, info: str, payload: bytes, entropy: Entropy) -> bytes:
        """Seal under a secret that only its presenter has, salted with the newest key."""
        nonce = entropy(NONCE_BYTES)
        box = AESGCM(_hkdf(secret.encode(), self._keys[0], info.encode()))
        return nonce + box.encrypt(nonce, payload, None)

    def open_reply(self, secret: str, info: str, sealed: bytes) -> bytes | None:
        """What was sealed under this secret and name, or None."""
        for key in self._keys:
            box = AESGCM(_hkdf(secret.encode(), key, info.encode()))
            try:
                return box.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], None)
            except (InvalidTag, ValueError):
                continue
        return None


def new_key(entropy: Entropy) -> str:
    """A fresh sealing key, as text."""
    return encode(entropy(KEY_BYTES))
