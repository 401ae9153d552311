"""The list of tickets, one ticket, and what one may do with it."""

import csv
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from city.selectors import area_path_name
from commandcenter.core import clock
from commandcenter.core.errors import DomainError, require
from commandcenter.core.times import SHANGHAI, start_of_day
from commandcenter.journal.services import audit
from hotline import policies, selectors, services
from hotline.classify.suggest import alike, unit_for
from hotline.forms import FilterForm
from hotline.models import OpeningRequest, Ticket
from hotline.states import MOVES, RejectGround

from .access import CappedPaginator, address_of, is_fragment, ticket_or_404, with_toast

PAGE_SIZE = 30
MOST_EXPORTED = 20_000


def _filtered(request: HttpRequest) -> tuple[FilterForm, QuerySet[Ticket]]:
    """Tickets that the filters leave, of those this person may open."""
    user: Any = request.user
    data = request.GET.copy()
    data.setdefault("source", "live")
    form = FilterForm(data)
    form.is_valid()
    wanted = form.cleaned_data
    rows = Ticket.objects.visible_to(user).without_caller().select_related("category", "org")
    for name in ("state", "request_type", "channel"):
        if wanted.get(name):
            rows = rows.filter(**{name: wanted[name]})
    if wanted.get("category"):
        rows = rows.filter(category__code__startswith=wanted["category"])
    if wanted.get("area"):
        rows = rows.filter(area_code__startswith=wanted["area"])
    source = wanted.get("source", "live")
    if source == "live":
        rows = rows.live()
    elif source == "imported":
        rows = rows.exclude(source="live")
    since, until = wanted.get("since"), wanted.get("until")
    rows = rows.taken_between(
        start_of_day(since) if since else None, start_of_day(until + timedelta(days=1)) if until else None
    )
    if wanted.get("q"):
        rows = rows.filter(selectors.search_filter(wanted["q"]))
    return form, rows.order_by("-pk")


@login_required
@require_GET
def ticket_list(request: HttpRequest) -> HttpResponse:
    form, rows = _filtered(request)
    page = CappedPaginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    user: Any = request.user
    return render(request, "hotline/ticket_list.html", {
        "filters": form,
        "page_obj": page,
        "may_export": policies.may_export(user),
        "openings": selectors.pending_openings(user) if policies.uses_intake(user) else [],
    })  # fmt: skip


class _Echo:
    def write(self, value: str) -> str:
        return value


@login_required
@require_GET
def export(request: HttpRequest) -> HttpResponse:
    """The filtered list as CSV: masked, without sealed tickets, with the name of who took it out."""
    user: Any = request.user
    require(policies.may_export(user))
    _form, rows = _filtered(request)
    rows = rows.filter(sealed=False)
    at = clock.now()
    audit(
        actor=user, action="hotline.export", target_ref="hotline.ticket:list", ip=address_of(request),
        body={"filters": {k: v for k, v in request.GET.items() if k != "q"}, "most": MOST_EXPORTED},
    )  # fmt: skip
    mark = _("Exported by %(name)s at %(at)s. For official use only.") % {
        "name": f"{user.get_full_name()} ({user.get_username()})",
        "at": f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}",
    }
    # Written whole: a stream would be read after the request, when its language is no longer set.
    response = HttpResponse("".join(_csv(rows, mark)), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = (
        f'attachment; filename="tickets-{at.astimezone(SHANGHAI):%Y%m%d-%H%M}.csv"'
    )
    response["Cache-Control"] = "no-store"
    return response


def _csv(rows: QuerySet[Ticket], mark: str) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield "\ufeff"
    yield str(writer.writerow([mark]))
    head = [
        *(_("Number"), _("Taken at"), _("Title"), _("Type"), _("Category"), _("Channel"), _("Urgency")),
        *(_("Area"), _("Address"), _("State"), _("Unit"), _("Answered")),
    ]
    yield str(writer.writerow(head))
    for ticket in rows[:MOST_EXPORTED].iterator(chunk_size=1_000):
        line = selectors.as_line(ticket)
        cells = [
            line["number"], _moment(line["taken_at"]), line["title"], line["request_type"], line["category"],
            line["channel"], line["urgency"], line["area"], line["address"], line["state"], line["org"],
            _moment(line["answered_at"]),
        ]  # fmt: skip
        yield str(writer.writerow([_harmless(cell) for cell in cells]))
    yield str(writer.writerow([mark]))


def _moment(value: Any) -> str:
    return f"{value.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}" if value else ""


def _harmless(cell: Any) -> str:
    """A cell that a spreadsheet will not take for a formula."""
    text = str(cell)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


@login_required
@require_GET
def ticket(request: HttpRequest, pk: int) -> HttpResponse:
    found = ticket_or_404(request, pk)
    template = "hotline/_ticket.html" if is_fragment(request) else "hotline/ticket.html"
    return render(request, template, _ticket_page(request, found))


def _ticket_page(request: HttpRequest, found: Ticket) -> dict[str, Any]:
    user: Any = request.user
    at = clock.now()
    triage = found.is_live and policies.may_triage(user, found)
    code = found.category.code if found.category else ""
    waiting = found.state in MOVES["dispatch"].start
    return {
        "ticket": found,
        "caller": selectors.masked_caller(found),
        "area_path": area_path_name(found.area_code),
        "moves": found.moves.select_related("by").order_by("-pk"),
        "may_triage": triage and waiting,
        "may_queue": triage and found.state in MOVES["queue"].start,
        "may_call_back": found.is_live
        and found.state in MOVES["call_back"].start
        and policies.may_call_back(user, found),
        "may_open": policies.may_open_caller(user, found, at)
        and bool(found.caller_phone or found.caller_name),
        "may_ask": policies.may_ask_to_open(user, found),
        "asked": found.opening_requests.filter(asked_by=user).first() if found.sealed else None,
        "to_decide": [
            one
            for one in found.opening_requests.filter(decided_at=None).select_related("asked_by", "ticket")
            if policies.may_decide_opening(user, one)
        ]
        if found.sealed
        else [],
        "unit": unit_for(found.area_code, code) if waiting and triage else None,
        "twins": _twins(request, found, code) if triage and not found.sealed else [],
        "grounds": RejectGround.choices,
    }


def _twins(request: HttpRequest, found: Ticket, code: str) -> list[dict[str, Any]]:
    user: Any = request.user
    twins = alike(
        title=found.title, content=found.content, area_code=found.area_code, category_code=code,
        at=found.taken_at, location=found.location, but=found.pk,
    )  # fmt: skip
    seen = Ticket.objects.visible_to(user).filter(pk__in=[one["ticket"].pk for one in twins])
    allowed = set(seen.values_list("pk", flat=True))
    return [one for one in twins if one["ticket"].pk in allowed]


@login_required
@require_POST
def act(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Answer, refuse, hand over, dispatch: from the ticket's page."""
    found = ticket_or_404(request, pk)
    user: Any = request.user
    data = request.POST
    try:
        if action == "answer":
            services.answer_ticket(ticket_id=found.pk, reply=data.get("reply", ""), by=user)
        elif action == "reject":
            services.reject_ticket(
                ticket_id=found.pk, ground=data.get("ground", ""), by=user, note=data.get("note", "")
            )
        elif action == "queue":
            services.queue_ticket(ticket_id=found.pk, by=user, note=data.get("note", ""))
        else:
            org = data.get("org", "")
            if not org.isdecimal():
                raise DomainError(_("Please choose a unit."), code="unit_missing")
            services.dispatch_ticket(ticket_id=found.pk, org_id=int(org), by=user, note=data.get("note", ""))
    except DomainError as error:
        return _after(request, found.pk, str(error), tone="error")
    return _after(request, found.pk, _("Done."))


def _after(request: HttpRequest, pk: int, words: str, *, tone: str = "success") -> HttpResponse:
    """Show the ticket again: as a fragment where a fragment was asked for."""
    if is_fragment(request):
        page = render(request, "hotline/_ticket.html", _ticket_page(request, ticket_or_404(request, pk)))
        return with_toast(page, words, tone=tone)
    (messages.error if tone == "error" else messages.success)(request, words)
    return redirect("hotline:ticket", pk=pk)


@login_required
@require_POST
def open_caller(request: HttpRequest, pk: int) -> HttpResponse:
    """The caller in plain text, once, for a reason; nothing of it is kept by browser or proxy."""
    found = ticket_or_404(request, pk)
    user: Any = request.user
    try:
        caller = services.open_caller(
            ticket_id=found.pk, reason=request.POST.get("reason", ""), by=user, ip=address_of(request)
        )
    except DomainError as error:
        return render(
            request, "hotline/_caller_open.html", {"ticket": found, "problem": str(error)}, status=422
        )
    except PermissionDenied as error:
        return render(
            request, "hotline/_caller_open.html", {"ticket": found, "problem": str(error)}, status=422
        )
    response = render(request, "hotline/_caller_open.html", {"ticket": found, "caller": caller})
    response["Cache-Control"] = "no-store"
    return response


@login_required
@require_POST
def ask(request: HttpRequest, pk: int) -> HttpResponse:
    found = ticket_or_404(request, pk)
    user: Any = request.user
    try:
        services.ask_to_open_caller(ticket_id=found.pk, reason=request.POST.get("reason", ""), by=user)
    except DomainError as error:
        return _after(request, pk, str(error), tone="error")
    return _after(request, pk, _("Asked. Another person decides."))


@login_required
@require_POST
def decide(request: HttpRequest, request_id: int) -> HttpResponse:
    user: Any = request.user
    wish = get_object_or_404(OpeningRequest.objects.select_related("ticket"), pk=request_id)
    found = ticket_or_404(request, wish.ticket_id)
    try:
        services.decide_opening(request_id=wish.pk, granted=request.POST.get("granted") == "1", by=user)
    except DomainError as error:
        return _after(request, found.pk, str(error), tone="error")
    return _after(request, found.pk, _("Decided."))
