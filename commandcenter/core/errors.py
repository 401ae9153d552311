"""What can go wrong, in words a person can act on."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext_lazy as _


class DomainError(Exception):
    """A rule of the field says no. The API answers 409 with `code`; a page shows `message`."""

    code = "refused"

    def __init__(self, message: Any = "", *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code:
            self.code = code

    def __str__(self) -> str:
        return str(self.message)


class IllegalMove(DomainError):
    """The table of moves does not allow this action in this state."""

    code = "illegal_move"


class Conflict(DomainError):
    """Somebody or something else was there first."""

    code = "conflict"


@dataclass(frozen=True)
class Problem:
    """One thing wrong with input. row: 1-based data row, None where the whole file is meant."""

    row: int | None
    field: str
    reason: str
    file: str = ""

    def __str__(self) -> str:
        where = [self.file] if self.file else []
        if self.row is not None:
            where.append(str(_("row %(row)s") % {"row": self.row}))
        if self.field:
            where.append(str(_("column %(field)s") % {"field": self.field}))
        return ", ".join(where) + (": " if where else "") + str(self.reason)


class BadInput(DomainError):
    """Input that cannot be taken, with every problem found."""

    code = "bad_input"

    def __init__(self, problems: Iterable[Problem] | Problem, *, code: str | None = None) -> None:
        self.problems = [problems] if isinstance(problems, Problem) else list(problems)
        super().__init__("; ".join(str(p) for p in self.problems[:20]), code=code)

    def as_dicts(self) -> list[dict[str, Any]]:
        return [asdict(p) for p in self.problems]


def require(allowed: bool, why: Any = "") -> None:
    """Raise PermissionDenied unless a policy allowed it."""
    if not allowed:
        raise PermissionDenied(str(why) or str(_("You may not do this.")))
