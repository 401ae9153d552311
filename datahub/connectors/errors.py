"""Why a source cannot be read, in words for the steward; `code` for the machine."""

from collections.abc import Sequence
from datetime import timedelta

from django.utils.translation import gettext as _

from commandcenter.core.errors import DomainError


class SourceFailed(DomainError):
    """This run brings nothing. wait: how long the other side asked us to stay away."""

    code = "source_failed"

    def __init__(self, message: str, *, code: str | None = None, wait: timedelta | None = None) -> None:
        super().__init__(message, code=code)
        self.wait = wait


class ColumnsChanged(SourceFailed):
    """What the steward connected is not there any more under its name, or is of another kind."""

    code = "columns_changed"

    def __init__(
        self,
        *,
        gone: Sequence[str] = (),
        retyped: Sequence[tuple[str, str, str]] = (),
        new: Sequence[str] = (),
    ) -> None:
        parts = []
        if gone:
            parts.append(_("These columns are gone: %(names)s.") % {"names": ", ".join(gone)})
        if retyped:
            names = ", ".join(f"{name} ({before} → {after})" for name, before, after in retyped)
            parts.append(_("These columns are of another kind now: %(names)s.") % {"names": names})
        if gone and new:
            parts.append(_("New since it was connected: %(names)s.") % {"names": ", ".join(new[:20])})
        parts.append(_("Nothing was taken in; look at the columns of the source again."))
        super().__init__(" ".join(parts))
        self.names = [*gone, *(name for name, _before, _after in retyped)]


class Busy(SourceFailed):
    """Somebody else runs this source now."""

    code = "source_busy"


class LostLease(Exception):
    """This run was believed dead and another one took over: stop, and touch nothing more."""
