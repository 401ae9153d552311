"""A key per person, itself wrapped under the platform's; values sealed under the person's key.

SM4-GCM throughout. What a value belongs to is part of the seal, so a row cannot be moved to another.
"""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from commandcenter.core.crypto import CannotDecrypt, decrypt, encrypt

KEY_BYTES = 16
NONCE_BYTES = 12
TAG_BYTES = 16


def new_key() -> bytes:
    return os.urandom(KEY_BYTES)


def wrap(key: bytes) -> str:
    return encrypt(key.hex())


def unwrap(wrapped: str) -> bytes:
    """Raises CannotDecrypt, also where the key was destroyed."""
    if not wrapped:
        raise CannotDecrypt("the key was destroyed")
    return bytes.fromhex(decrypt(wrapped))


def seal(key: bytes, value: str, about: str) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    box = Cipher(algorithms.SM4(key), modes.GCM(nonce)).encryptor()
    box.authenticate_additional_data(about.encode())
    sealed = box.update(value.encode()) + box.finalize()
    return nonce + box.tag + sealed


def unseal(key: bytes, sealed: bytes, about: str) -> str:
    """Raises CannotDecrypt."""
    nonce, tag = sealed[:NONCE_BYTES], sealed[NONCE_BYTES : NONCE_BYTES + TAG_BYTES]
    try:
        box = Cipher(algorithms.SM4(key), modes.GCM(nonce, tag)).decryptor()
        box.authenticate_additional_data(about.encode())
        return (box.update(sealed[NONCE_BYTES + TAG_BYTES :]) + box.finalize()).decode()
    except (ValueError, InvalidTag) as error:
        raise CannotDecrypt("the value was sealed with another key or for another place") from error


def about(subject: str, dataset_id: int, column: str) -> str:
    return f"{subject}/{dataset_id}/{column}"
