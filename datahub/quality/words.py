"""What an incident says, and what there is to do about it."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from datahub.checks.block import KEY, PLACE, RECORD, REQUIRED, TYPE
from datahub.faults import Reason, Refused
from datahub.models import Column, QualityRule

from .models import Incident
from .scoring import CALLS, CYCLE
from .states import Dimension, IncidentKind

Words = str | Promise

OTHER_REASONS: dict[str, Words] = {
    "type": _("values of the wrong kind"),
    "unique": _("repeated values"),
    "late": _("nothing came for more than twice its cycle"),
    "clock_applied": _("the formal check of an application took too long"),
    "clock_checked": _("the provider's decision took too long"),
    "extra_columns": _("columns came that the dataset does not have"),
    "missing_columns": _("columns are missing"),
    "offline": _("no sign of life"),
    "outage": _("devices are silent too long"),
    "reported": _("devices report trouble with themselves"),
    "flapping": _("devices come and go"),
    "register_refused": _("rows that the register of devices cannot take"),
    "unusable_messages": _("messages that cannot be read"),
    "process_away": _("the receiving process stands still"),
    "broker_away": _("the message broker is away"),
    "broker_refused": _("the message broker turns us away"),
    "not_open": _("the dataset is not published"),
    "columns_changed": _("the source has other columns than before"),
    "source_failed": _("the source cannot be read"),
}
BUILT_IN: dict[str, Words] = {
    TYPE: _("Values are of their column's kind"),
    REQUIRED: _("Required values are there"),
    RECORD: _("Records can be read"),
    PLACE: _("Coordinates are possible"),
    KEY: _("The key occurs once"),
    CYCLE: _("Came within twice its cycle"),
    CALLS: _("Calls were answered"),
    "=register": _("The register of devices takes it"),
}
KINDS: dict[str, Words] = {
    "required": _("Not empty"),
    "range": _("Within a range"),
    "code_list": _("One of a code list"),
    "pattern": _("Of a form (pattern)"),
    "max_length": _("Not longer than"),
    "not_future": _("Not in the future"),
    "timely": _("Came in time"),
    "id_number": _("Citizen identity number (GB 11643)"),
    "credit_code": _("Unified social credit code (GB 32100)"),
    "unique": _("Occurs once"),
    "reference": _("Found in a register"),
    "compare": _("Fits another column"),
}
TODO: dict[str, tuple[Words, ...]] = {
    IncidentKind.RULE_FAILED: (
        _("Look at the rejected rows of the delivery: which value is it, always the same one?"),
        _("Mend the rows in the browser or as a file and replay them; or mend the source and deliver again."),
        _("If the rule is wrong, a steward changes it, and the rows are sent again as they are."),
    ),
    IncidentKind.DELIVERY_REFUSED: (
        _("Read the reason on the delivery's page; nothing of it entered the dataset."),
        _("Mend the file or the source and deliver again; the incident closes with the next that is taken."),
    ),
    IncidentKind.LATE: (
        _("Ask whoever runs the source whether it stands still or its line is cut."),
        _("If it delivers less often than declared, the update cycle of the dataset is changed."),
    ),
    IncidentKind.SOURCE_FAILING: (
        _("Look at the source's last runs: address, password, rights, what the other side answered."),
        _("The incident closes with the next run that succeeds."),
    ),
    IncidentKind.COLUMNS_CHANGED: (
        _("Ask the source whether the change is meant."),
        _("If it is, change the mapping or the declaration; if not, have the source put it back."),
    ),
    IncidentKind.CLOCK_OVER: (_("Decide the application; the incident closes with the decision."),),
    IncidentKind.DEVICE_FAULT: (
        _("Send somebody to look: power, line, device. It closes when the device is heard again."),
    ),
}
DIMENSIONS: dict[str, Words] = {
    Dimension.VALIDITY: _("Kinds, forms and code lists are kept"),
    Dimension.COMPLETENESS: _("Required values are there"),
    Dimension.ACCURACY: _("Values are possible: ranges, check digits, places"),
    Dimension.UNIQUENESS: _("Nothing occurs twice"),
    Dimension.CONSISTENCY: _("Columns and registers agree"),
    Dimension.TIMELINESS: _("Rows and deliveries come in time"),
    Dimension.ACCESSIBILITY: _("Calls are answered"),
}


def reason_words(code: str) -> Words:
    """Any reason code that an incident carries; one nobody knows is shown as it is."""
    if code in OTHER_REASONS:
        return OTHER_REASONS[code]
    for known in (Reason, Refused):
        if code in known.values:
            return known(code).label
    return code


def check_words(code: str) -> Words:
    """A check by its code: one that every dataset has, or a rule by its own name."""
    return BUILT_IN.get(code, code)


def rule_names(dataset_ids: Iterable[int]) -> dict[tuple[int, str], tuple[str, Words]]:
    """(dataset, rule) -> the column it looks at, and what it checks. Two queries."""
    ids = set(dataset_ids)
    titles = {(one.dataset_id, one.code): one.title for one in Column.objects.filter(dataset_id__in=ids)}
    return {
        (row.dataset_id, row.code): (titles.get((row.dataset_id, row.column), row.column), KINDS[row.kind])
        for row in QualityRule.objects.filter(dataset_id__in=ids)
    }


def title_of(incident: Incident, names: Mapping[tuple[int, str], tuple[str, Words]]) -> str:
    about: Words = ""
    if incident.kind == IncidentKind.RULE_FAILED:
        held = names.get((incident.dataset_id or 0, incident.key))
        about = held[0] if held else "" if incident.key in BUILT_IN else incident.key
    said = f"{incident.get_kind_display()}: {reason_words(incident.reason)}"
    return f"{said} ({about})" if about else said


def links_of(incident: Incident) -> list[tuple[Words, str]]:
    """Where to go: the delivery, its rejects, the dataset, the rule, the agreement, the device."""
    found: list[tuple[Words, str]] = []
    if incident.delivery_id:
        if incident.kind == IncidentKind.RULE_FAILED:
            found.append((_("Mend the rejected rows"), reverse("datahub:mend", args=[incident.delivery_id])))
        found.append((_("The delivery"), reverse("datahub:delivery", args=[incident.delivery_id])))
    if incident.dataset is not None:
        code = incident.dataset.code
        if incident.kind == IncidentKind.RULE_FAILED and not incident.key.startswith("="):
            found.append((_("The rule"), reverse("datahub:rule", args=[code, incident.key])))
        found.append((pgettext_lazy("incident", "The dataset"), reverse("datahub:dataset", args=[code])))
    kind, _sign, key = incident.ref.partition(":")
    if kind == "datahub.agreement" and key.isdecimal():
        found.append((_("The application"), reverse("datahub:sharing:agreement", args=[key])))
    if kind == "datahub.fault" and key.isdecimal():
        found.append((_("The fault"), reverse("datahub:fault", args=[key])))
    if incident.key == "=register":
        found.append((_("Refused rows of the register"), reverse("datahub:device_upkeep")))
    return found


def dressed(incidents: Iterable[Any]) -> list[Any]:
    """What a row shows beside its fields."""
    rows = list(incidents)
    names = rule_names(one.dataset_id for one in rows if one.dataset_id)
    return [_dress(one, names) for one in rows]


def _dress(incident: Any, names: Mapping[tuple[int, str], tuple[str, Words]]) -> Any:
    incident.title = title_of(incident, names)
    incident.tone = TONES[incident.state]
    incident.grade = SEVERITIES[incident.severity]
    incident.reason_words = reason_words(incident.reason)
    return incident


TONES = {"open": "red", "acknowledged": "orange", "mending": "accent", "resolved": "blue", "closed": "green"}
SEVERITIES = {"high": "red", "normal": "orange", "low": "grey"}
