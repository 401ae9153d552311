"""The address of a camera's picture: registered by its owner, opened for a reason, never in a list."""

from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.translation import gettext as _

from commandcenter.core import clock
from commandcenter.core.errors import BadInput, Problem, require
from commandcenter.journal.services import audit

from ..limits import settings_in_force
from ..models import Device, DeviceChange, DeviceStream, StreamGrant
from ..policies import may_open_stream, may_register_stream
from ..states import Setting

if TYPE_CHECKING:
    from city.models import User

SCHEMES = ("rtsp", "rtsps", "https", "http", "wss", "sip")


@transaction.atomic
def register_stream(*, device_id: int, url: str, by: "User") -> None:
    """Set, change or (with an empty address) take away where a device's picture is."""
    device = Device.objects.select_for_update().get(pk=device_id)
    require(may_register_stream(by, device))
    at, url = clock.now(), url.strip()
    if url:
        try:
            parts = urlsplit(url)
            fits = parts.scheme in SCHEMES and bool(parts.hostname) and len(url) <= 500 and url.isprintable()
        except ValueError:
            fits = False
        if not fits:
            raise BadInput(
                Problem(None, "url", _("An address with one of: %(all)s") % {"all": ", ".join(SCHEMES)})
            )
        DeviceStream.objects.update_or_create(device=device, defaults={"url": url, "by": by, "at": at})
    else:
        DeviceStream.objects.filter(device=device).delete()
    DeviceChange.objects.create(
        device=device, action="stream", changed={"stream": ["", "set" if url else "removed"]}, by=by, at=at
    )
    audit(
        actor=by, action="datahub.register_stream", target_ref=device.ref, body={"set": bool(url)},
    )  # fmt: skip


def open_stream(*, device_id: int, by: "User", reason: str, ip: str | None = None) -> StreamGrant:
    """Show the address to this person for a while. A refusal is written down too."""
    device = Device.objects.get(pk=device_id)
    if not may_open_stream(by, device):
        audit(
            actor=by, action="datahub.open_stream", target_ref=device.ref, reason=reason[:200],
            result="refused",             ip=ip,
        )  # fmt: skip
        raise PermissionDenied(_("You may not do this."))
    if len(reason.strip()) < 4:
        raise BadInput(Problem(None, "reason", _("Say why you have to look.")))
    if not DeviceStream.objects.filter(device=device).exists():
        raise BadInput(Problem(None, "stream", _("No address is registered.")))
    at = clock.now()
    minutes = settings_in_force()[Setting.STREAM_MINUTES]
    with transaction.atomic():
        audit(
            actor=by, action="datahub.open_stream", target_ref=device.ref, reason=reason.strip()[:200], ip=ip,
            body={"minutes": minutes},
        )  # fmt: skip
        return StreamGrant.objects.create(
            device=device, by=by, reason=reason.strip()[:200], at=at, until=at + timedelta(minutes=minutes)
        )


def stream_shown_to(user: "User", device: Device) -> tuple[str, StreamGrant] | None:
    """The address, while a grant of this very person lasts and he is still entitled."""
    grant = StreamGrant.objects.filter(device=device, by=user, until__gt=clock.now()).first()
    if grant is None or not may_open_stream(user, device):
        return None
    found = DeviceStream.objects.filter(device=device).first()
    return (found.url, grant) if found else None
