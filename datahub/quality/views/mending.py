"""Mend rejected rows in the browser, check them, send them again."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from commandcenter.core.errors import BadInput, DomainError, require
from commandcenter.journal.services import audit
from datahub import tasks
from datahub.faults import Reason
from datahub.models import Delivery, Reject
from datahub.policies import may_see_hub

from ..checking import Checked, check_mends
from ..fields import Field, can_be_mended, cells_of, fields_of
from ..forms import ReplaceForm
from ..policies import may_mend
from ..services import mending, sheets

PAGE = 20
PREFIX = "cell"


def _delivery(request: HttpRequest, pk: int) -> Delivery:
    """The steward of the area or an officer of where the rows came from; for others it does not exist."""
    found = get_object_or_404(Delivery.objects.select_related("dataset"), pk=pk)
    require(may_mend(request.user, found.dataset))
    return found


def _fault(request: HttpRequest) -> tuple[str, str]:
    asked = request.POST if request.method == "POST" else request.GET
    reason = asked.get("reason", "")
    return (reason if reason in Reason.values else ""), asked.get("column", "").replace("\x00", "")[:200]


def _back(delivery: Delivery, reason: str = "", column: str = "", page: str = "") -> str:
    from urllib.parse import urlencode

    asked = {"reason": reason, "column": column, "page": page if page.isdecimal() else ""}
    query = urlencode({name: value for name, value in asked.items() if value})
    return reverse("datahub:mend", args=[delivery.pk]) + (f"?{query}" if query else "")


@login_required
@never_cache
@sensitive_post_parameters()
def mend(request: HttpRequest, pk: int) -> HttpResponse:
    """A table of the rejected rows, value by value. POST keeps what was written."""
    delivery = _delivery(request, pk)
    if request.method == "POST":
        return _keep(request, delivery)
    return _show(request, delivery)


def _keep(request: HttpRequest, delivery: Delivery) -> HttpResponse:
    reason, column = _fault(request)
    fields = fields_of(delivery)
    try:
        changes = _changes(request, delivery, fields)
        done = mending.mend_rows(delivery_id=delivery.pk, changes=changes, by=request.user)
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, ngettext("%(n)s row kept.", "%(n)s rows kept.", done) % {"n": done})
    return redirect(_back(delivery, reason, column, request.POST.get("page", "")))


def _changes(request: HttpRequest, delivery: Delivery, fields: list[Field]) -> dict[int, dict[str, str]]:
    """Only cells that differ from what stands there; a personal one is entered again or ticked as empty."""
    wanted: dict[int, dict[int, str]] = {}
    for name, value in request.POST.items():
        kind, _sign, rest = name.partition("-")
        pk, _dash, place = rest.partition("-")
        if kind in (PREFIX, "empty") and pk.isdecimal() and place.isdecimal() and len(pk) < 18:
            if int(place[:6]) >= len(fields):
                raise BadInput([])
            if kind == PREFIX:
                wanted.setdefault(int(pk), {}).setdefault(int(place), str(value))
            else:
                wanted.setdefault(int(pk), {})[int(place)] = ""
    changes: dict[int, dict[str, str]] = {}
    for reject in mending.mendable(delivery).filter(pk__in=list(wanted)):
        cells = cells_of(reject, fields)
        row = {}
        for number, value in wanted[reject.pk].items():
            field = fields[number]
            cell = cells[field.header]
            emptied = f"empty-{reject.pk}-{number}" in request.POST
            if cell.state in ("hidden", "sealed", "cut"):
                if value.strip() or emptied:
                    row[field.header] = value.strip()
            elif value.strip() != cell.value.strip():
                row[field.header] = value.strip()
        if row:
            changes[reject.pk] = row
    return changes


def _show(
    request: HttpRequest,
    delivery: Delivery,
    *,
    checked: Checked | None = None,
    replacing: ReplaceForm | None = None,
    opened: tuple[int, dict[str, str]] | None = None,
    status: int = 200,
) -> HttpResponse:
    reason, column = _fault(request)
    fields = fields_of(delivery)
    rows = mending.mendable(delivery).order_by("row_number")
    groups = list(rows.order_by().values("reason", "column").annotate(n=Count("pk")).order_by("-n")[:40])
    for group in groups:
        group["label"] = Reason(group["reason"]).label
        group["on"] = (group["reason"], group["column"]) == (reason, column)
    if reason:
        rows = rows.filter(reason=reason)
    if column:
        rows = rows.filter(column=column)
    asked = request.POST if request.method == "POST" else request.GET
    page = Paginator(rows, PAGE).get_page(asked.get("page"))
    for reject in page.object_list:
        _dress(reject, fields, checked, opened)
    mended = delivery.rejects.filter(mend__isnull=False, mend__replay__isnull=True).count()
    gone = delivery.rejects.filter(reason=Reason.ERASED).count()
    context = {
        "delivery": delivery,
        "dataset": delivery.dataset,
        "fields": fields,
        "groups": groups,
        "reason": reason,
        "column": column,
        "page_obj": page,
        "waiting": sum(group["n"] for group in groups),
        "mended": mended,
        "gone": gone,
        "replayed": delivery.rejects.filter(mend__replay__isnull=False).count(),
        "replays": delivery.replays.select_related("delivery"),
        "checked": checked,
        "replacing": replacing or ReplaceForm(_headers(fields)),
        "has_personal": any(field.personal for field in fields),
        "opened": opened,
        "sees_hub": may_see_hub(request.user),
    }
    return render(request, "datahub/quality/mend.html", context, status=status)


def _headers(fields: list[Field]) -> list[tuple[str, str]]:
    return [(one.header, f"{one.header} ({one.title})") for one in fields if not one.personal]


def _dress(reject: Any, fields: list[Field], checked: Checked | None, opened: Any) -> None:
    """The row's cells with what is wrong at each: as it was rejected, or as the check found now."""
    seen = opened[1] if opened and opened[0] == reject.pk else None
    cells = cells_of(reject, fields, seen)
    faults: dict[str, str] = {}
    now = checked.faults.get(reject.pk) if checked else None
    if checked is not None and reject.pk in checked.gaps:
        faults[checked.gaps[reject.pk]] = str(_("still to be entered"))
    elif now:
        for fault in now:
            faults.setdefault(_place_of(fault.header, fields), fault.words)
    elif not (checked and reject.pk in checked.passing):
        faults[_place_of(reject.column, fields)] = f"{reject.get_reason_display()} {reject.detail}".strip()
        for one in reject.others:
            known = Reason(one["reason"]).label if one["reason"] in Reason.values else one["reason"]
            faults.setdefault(_place_of(one["column"], fields), str(known))
    reject.cells = [
        {
            "place": place,
            "field": field,
            "cell": cells[field.header],
            "fault": faults.get(field.header, ""),
            "empty": field.header in (reject.mend.values.get("", ()) if hasattr(reject, "mend") else ()),
        }
        for place, field in enumerate(fields)
    ]
    known_headers = {field.header for field in fields}
    reject.said = [words for header, words in faults.items() if header not in known_headers]
    reject.passes = bool(checked and reject.pk in checked.passing)
    reject.fails = bool(checked and (reject.pk in checked.faults or reject.pk in checked.gaps))
    reject.can_be_mended = can_be_mended(reject)
    reject.sealed = hasattr(reject, "mend") and bool(reject.mend.sealed)


def _place_of(header: str, fields: list[Field]) -> str:
    """The header a fault belongs to; of a composed one its first part."""
    first = header.split("/")[0]
    return next((one.header for one in fields if one.header in (header, first)), header)


@login_required
@require_POST
def replace(request: HttpRequest, pk: int) -> HttpResponse:
    delivery = _delivery(request, pk)
    reason, column = _fault(request)
    form = ReplaceForm(_headers(fields_of(delivery)), request.POST)
    if not form.is_valid():
        return _show(request, delivery, replacing=form, status=422)
    try:
        done = mending.replace_values(
            delivery_id=delivery.pk, by=request.user, reason=reason, column=column, **form.cleaned_data
        )
    except DomainError as error:
        form.add_error(None, str(error))
        return _show(request, delivery, replacing=form, status=409)
    said = ngettext("Replaced in %(n)s row.", "Replaced in %(n)s rows.", done)
    messages.success(request, said % {"n": done})
    return redirect(_back(delivery, reason, column))


@login_required
@require_POST
def take(request: HttpRequest, pk: int) -> HttpResponse:
    delivery = _delivery(request, pk)
    reason, column = _fault(request)
    try:
        done = mending.take_as_they_are(
            delivery_id=delivery.pk, by=request.user, reason=reason, column=column
        )
        said = ngettext("%(n)s row will be sent as it is.", "%(n)s rows will be sent as they are.", done)
        messages.success(request, said % {"n": done})
    except DomainError as error:
        messages.error(request, str(error))
    return redirect(_back(delivery, reason, column))


@login_required
@never_cache
@require_POST
def check(request: HttpRequest, pk: int) -> HttpResponse:
    """What a replay would say now; nothing is changed."""
    delivery = _delivery(request, pk)
    return _show(request, delivery, checked=check_mends(delivery))


@login_required
@require_POST
def replay(request: HttpRequest, pk: int) -> HttpResponse:
    """Rows that pass are sent; with `all` those as well that are still wrong, to come back as rejects."""
    delivery = _delivery(request, pk)
    only = None if request.POST.get("all") else check_mends(delivery).passing
    try:
        sent = mending.replay(delivery_id=delivery.pk, by=request.user, only=only)
    except DomainError as error:
        messages.error(request, str(error))
        return redirect(_back(delivery))
    tasks.work_dataset.apply_async(kwargs={"dataset_code": delivery.dataset.code}, queue="lake")
    said = ngettext("%(n)s row was sent again.", "%(n)s rows were sent again.", sent.rows)
    messages.success(request, said % {"n": sent.rows})
    if may_see_hub(request.user):
        return redirect("datahub:delivery", pk=sent.delivery_id)
    return redirect(_back(delivery))


@login_required
@require_GET
def export(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    delivery = _delivery(request, pk)
    audit(
        actor=request.user,  # type: ignore[arg-type]
        action="datahub.export_rejects",
        target_ref=delivery.ref,
        ip=request.META.get("REMOTE_ADDR"),
        body={"rows": delivery.rows_rejected, "to": "mend"},
    )
    lines = sheets.export_lines(delivery, request.user)
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="mend-{delivery.pk}.csv"'
    return response


@login_required
@require_POST
def upload(request: HttpRequest, pk: int) -> HttpResponse:
    delivery = _delivery(request, pk)
    file = request.FILES.get("file")
    try:
        if file is None or (file.size or 0) > sheets.MOST_BYTES:
            messages.error(request, _("Choose the mended file, up to 50 MiB."))
        else:
            done = sheets.import_file(delivery_id=delivery.pk, content=file.read(), by=request.user)
            messages.success(request, ngettext("%(n)s row kept.", "%(n)s rows kept.", done) % {"n": done})
    except DomainError as error:
        messages.error(request, str(error)[:600])
    return redirect(_back(delivery))


@login_required
@never_cache
@require_POST
def open_row(request: HttpRequest, pk: int, reject: int) -> HttpResponse:
    """What was entered for a row's personal columns, in the answer to this request and nowhere else."""
    delivery = _delivery(request, pk)
    found = get_object_or_404(Reject.objects.filter(delivery=delivery), pk=reject)
    try:
        opened = mending.open_mend(
            reject_id=found.pk,
            by=request.user,
            reason=request.POST.get("why", "")[:500].replace("\x00", ""),
            ip=request.META.get("REMOTE_ADDR"),
        )
    except DomainError as error:
        messages.error(request, str(error))
        return redirect(_back(delivery))
    return _show(request, delivery, opened=(found.pk, opened))
