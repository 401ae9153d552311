"""A place in a dataset that stays where it is while the dataset grows.

Rows are ordered by the turn of their delivery and their number in it: an order that new rows only
extend. A cursor holds the place after the last row, and the version of the lake that the first page
was read at, so that one walk through the pages sees one version.
"""

import base64
import binascii
import hmac
import json
from dataclasses import dataclass, replace
from typing import Self

from django.utils.translation import gettext as _

from commandcenter.core.crypto import keyed_hash
from commandcenter.core.errors import BadInput, Problem

_MAC = 16


@dataclass(frozen=True)
class Cursor:
    """turn, row: after this row. upto, version: the walk's pinned end; None: pin anew at the next call."""

    code: str
    turn: int = 0
    row: int = 0
    upto: int | None = None
    version: int | None = None
    asked: str = ""

    def __str__(self) -> str:
        body = json.dumps([self.code, self.turn, self.row, self.upto, self.version, self.asked])
        packed = base64.urlsafe_b64encode(body.encode()).decode().rstrip("=")
        return f"{packed}.{_mac(packed)}"

    @classmethod
    def read(cls, text: str, *, code: str, asked: str) -> Self:
        """Raises BadInput for what was not written here, or for another dataset or question."""
        packed, _dot, mac = text.partition(".")
        try:
            if not packed.isascii() or not hmac.compare_digest(mac.encode(), _mac(packed).encode()):
                raise ValueError
            found = cls(*json.loads(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4))))
        except (ValueError, TypeError, binascii.Error) as error:
            raise BadInput(Problem(None, "cursor", _("Not a cursor of this interface."))) from error
        if found.code != code or found.asked != asked:
            raise BadInput(
                Problem(None, "cursor", _("The cursor belongs to another question; start without one."))
            )
        return found

    @property
    def place(self) -> str:
        return f"{self.turn}:{self.row}"

    def released(self) -> "Cursor":
        """The same place, to be carried on later with what is new by then."""
        return replace(self, upto=None, version=None)


def _mac(packed: str) -> str:
    return keyed_hash(packed, purpose="share-cursor")[:_MAC]
