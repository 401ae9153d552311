"""回访: whom to call, and what they say."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from commandcenter.core.errors import DomainError
from hotline import policies, selectors, services
from hotline.forms import CallBackForm

from .access import CappedPaginator, desk_only, is_fragment, ticket_or_404, with_toast

PAGE_SIZE = 20


@desk_only
@require_GET
def call_backs(request: HttpRequest) -> HttpResponse:
    """The queue at left, the chosen ticket at right; the first is chosen where none is."""
    user: Any = request.user
    page = CappedPaginator(selectors.call_back_queue(user), PAGE_SIZE).get_page(request.GET.get("page"))
    rows = list(page.object_list)
    wanted = request.GET.get("ticket", "")
    chosen = next((row for row in rows if str(row.pk) == wanted), rows[0] if rows else None)
    template = "hotline/_call_back_list.html" if is_fragment(request) else "hotline/call_backs.html"
    return render(request, template, {
        "page_obj": page, "rows": rows, "chosen": chosen, "form": CallBackForm(),
        "caller": selectors.masked_caller(chosen) if chosen else {},
    })  # fmt: skip


@desk_only
@require_POST
def record(request: HttpRequest, pk: int) -> HttpResponse:
    found = ticket_or_404(request, pk)
    user: Any = request.user
    if not policies.may_call_back(user, found):
        raise PermissionDenied
    form = CallBackForm(request.POST)
    if not form.is_valid():
        return render(request, "hotline/_errors.html", {"form": form}, status=422)
    try:
        ticket = services.record_call_back(ticket_id=found.pk, by=user, **form.cleaned_data)
    except DomainError as error:
        return render(request, "hotline/_errors.html", {"problem": str(error)}, status=422)
    words = {
        "closed": _("Recorded; ticket %(number)s is closed."),
        "dispatched": _("Recorded; the unit does it again."),
        "awaiting_callback": _("Recorded; call again later."),
    }[ticket.state] % {"number": ticket.number}
    if is_fragment(request):
        response = HttpResponse(status=200)
        return with_toast(response, words, news={"hotline:called": {"id": ticket.pk}})
    messages.success(request, words)
    return redirect("hotline:call_backs")
