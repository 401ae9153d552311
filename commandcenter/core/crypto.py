"""Encryption of single values (SM4-GCM) and keyed hashes (HMAC-SM3).

Keys are 32 random bytes in hex from the environment: CC_FIELD_KEY for values,
CC_AUDIT_KEY for the audit chain. Each use derives its own key by HMAC-SM3, so one
secret never serves two purposes.
"""

import base64
import os
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from django.conf import settings

_PREFIX = "sm4:"


class CannotDecrypt(ValueError):
    """The value was made with another key or was changed."""


def sm3_mac(key: bytes, data: bytes) -> bytes:
    """HMAC-SM3, 32 bytes."""
    mac = hmac.HMAC(key, hashes.SM3())
    mac.update(data)
    return mac.finalize()


@lru_cache(maxsize=16)
def _derived(secret_hex: str, purpose: str) -> bytes:
    return sm3_mac(bytes.fromhex(secret_hex), purpose.encode())


def field_key(purpose: str) -> bytes:
    """A 32-byte key for one purpose, derived from CC_FIELD_KEY."""
    return _derived(settings.FIELD_KEY, purpose)


def audit_key() -> bytes:
    return _derived(settings.AUDIT_KEY, "audit-chain")


def encrypt(value: str) -> str:
    """A printable token; an empty value stays empty."""
    if not value:
        return ""
    nonce = os.urandom(12)
    box = Cipher(algorithms.SM4(field_key("value")[:16]), modes.GCM(nonce)).encryptor()
    sealed = box.update(value.encode()) + box.finalize()
    return _PREFIX + base64.urlsafe_b64encode(nonce + box.tag + sealed).decode()


def decrypt(token: str) -> str:
    """The value of a token of `encrypt`. Raises CannotDecrypt."""
    if not token:
        return ""
    try:
        raw = base64.urlsafe_b64decode(token.removeprefix(_PREFIX))
        box = Cipher(algorithms.SM4(field_key("value")[:16]), modes.GCM(raw[:12], raw[12:28])).decryptor()
        return (box.update(raw[28:]) + box.finalize()).decode()
    except (ValueError, InvalidTag) as error:
        raise CannotDecrypt("the value cannot be decrypted with the present key") from error


def keyed_hash(value: str, *, purpose: str = "match") -> str:
    """64 hex digits that match equal values and tell nothing without the key; empty stays empty."""
    return sm3_mac(field_key(purpose), value.encode()).hex() if value else ""
