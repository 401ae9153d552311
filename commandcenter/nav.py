"""The navigation: what stands in the top bar, and for whom.

A page adds itself here: label, name of its address, roles that see it, icon (Tabler outline name).
An entry whose address does not exist yet is left out rather than breaking every page.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


@dataclass(frozen=True)
class NavItem:
    label: str | Promise
    url_name: str
    roles: frozenset[str]
    icon: str
    key: str


def _item(label: Promise, url_name: str, roles: str, *, icon: str) -> NavItem:
    return NavItem(label, url_name, frozenset(roles.split()), icon, url_name.replace(":", "-"))


NAV: list[NavItem] = [
    _item(
        _("Cockpit"), "dashboards:cockpit", "leader supervisor dispatcher analyst", icon="layout-dashboard"
    ),
    _item(_("Take a call"), "hotline:intake", "operator", icon="headset"),
    _item(_("Tickets"), "hotline:ticket_list", "operator dispatcher supervisor", icon="messages"),
    _item(_("Call-backs"), "hotline:call_backs", "operator", icon="phone-outgoing"),
    _item(_("Orders"), "dispatch:inbox", "officer dispatcher leader supervisor", icon="clipboard-list"),
    _item(_("Review"), "dispatch:review", "dispatcher", icon="clipboard-check"),
    _item(_("Alerts"), "alerts:list", "analyst dispatcher leader supervisor", icon="bell-ringing"),
    _item(_("Detectors"), "alerts:detector_list", "analyst", icon="radar-2"),
    _item(_("Report an event"), "grid:report", "grid_worker", icon="camera"),
    _item(_("My reports"), "grid:mine", "grid_worker", icon="list-check"),
    _item(_("Data"), "datahub:overview", "steward analyst", icon="database"),
    _item(_("Sources"), "datahub:sources", "steward", icon="plug-connected"),
    _item(
        _("Catalogue"), "datahub:catalogue", "steward analyst officer dispatcher operator", icon="list-search"
    ),
    _item(pgettext_lazy("data", "Incidents"), "datahub:incidents", "steward officer", icon="alert-triangle"),
    _item(_("Data requests"), "portal:inbox", "steward", icon="inbox"),
    _item(_("Data sharing"), "datahub:sharing:inbox", "steward officer", icon="share"),
    _item(
        _("Devices"), "datahub:devices", "steward officer dispatcher leader supervisor", icon="device-cctv"
    ),
    _item(_("Vault"), "datahub:vault", "steward", icon="lock"),
    _item(_("Accountability"), "dispatch:scores", "leader supervisor dispatcher officer", icon="chart-bar"),
    _item(_("Administration"), "admin:index", "system_admin security_admin audit_admin", icon="settings"),
]


def items_for(user: Any) -> list[dict[str, Any]]:
    """The entries this person sees, with their addresses, in order."""
    if not getattr(user, "is_authenticated", False):
        return []
    shown = []
    for item in NAV:
        if not user.has_role(*item.roles):
            continue
        try:
            url = reverse(item.url_name)
        except NoReverseMatch:
            continue
        shown.append({"label": item.label, "url": url, "icon": item.icon, "key": item.key})
    return shown
