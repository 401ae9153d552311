"""Model fields of the ground floor."""

from typing import Any

from django.db import models

from .crypto import decrypt, encrypt


class EncryptedTextField(models.TextField):
    """Text that the database only ever sees encrypted. It cannot be searched; keep a keyed hash beside it."""

    def from_db_value(self, value: str | None, *_: Any) -> str | None:
        return None if value is None else decrypt(value)

    def get_prep_value(self, value: Any) -> Any:
        return None if value is None else encrypt(str(value))

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name != "isnull":
            raise TypeError(f"an encrypted field cannot be compared ({lookup_name})")
        return super().get_lookup(lookup_name)
