"""The list as a file: streamed, with a byte order mark for Excel, and who took it in the last line."""

import csv
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from city.selectors import area_path_name
from datahub.exports import _Line, _safe

from .models import Device
from .selectors import local_time, owner_names


def device_table(found: QuerySet[Device], by: Any) -> Iterator[str]:
    writer = csv.writer(_Line())
    names = owner_names(found.order_by().values_list("owner_code", flat=True).distinct())
    head = [
        _("Code"), _("Kind"), pgettext("data", "Name"), _("Place"), _("Longitude (CGCS2000)"),
        _("Latitude (CGCS2000)"), _("Area"), _("Owner"), _("Feed"), _("Maker"), pgettext("device", "Model"),
        _("Installed"), _("State"), _("Since"), _("Last heartbeat"),
    ]  # fmt: skip
    yield "\ufeff" + str(writer.writerow(head))
    rows = found.select_related("pulse").order_by("pk")
    areas: dict[str, str] = {}
    for one in rows.iterator(chunk_size=2_000):
        if one.area_code not in areas:
            areas[one.area_code] = area_path_name(one.area_code)
        cells = [
            one.code, one.get_kind_display(), one.name, one.place,
            f"{one.location.x:.6f}" if one.location else "", f"{one.location.y:.6f}" if one.location else "",
            areas[one.area_code], names.get(one.owner_code, one.owner_code), one.get_feed_display(),
            one.maker, one.model, one.installed_on or "", one.get_state_display(),
            local_time(one.state_since), local_time(one.pulse.seen_at),
        ]  # fmt: skip
        yield str(writer.writerow([_safe(cell) for cell in cells]))
    yield str(writer.writerow([_("Exported by %(who)s") % {"who": by.get_username()}]))
