"""收件箱: the list of orders one may see, sorted by what runs out first."""

from collections.abc import Iterable

from django.contrib.auth.decorators import login_required
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from city.roles import Role
from city.selectors import area, areas_of, children
from commandcenter.core import clock
from commandcenter.core.errors import require
from commandcenter.core.paging import PAGE_SIZE
from commandcenter.core.times import shanghai_day
from commandcenter.journal.services import audit
from dispatch.exports import LIMIT, order_table
from dispatch.filters import SORTS, VIEWS, CappedPaginator, Filters, view_of
from dispatch.models import Order
from dispatch.states import OrderKind, Urgency

READERS = (Role.OFFICER, Role.DISPATCHER, Role.LEADER, Role.SUPERVISOR)


@login_required
@require_GET
@vary_on_headers("HX-Request")
def inbox(request: HttpRequest) -> HttpResponse:
    """The whole page, or only its list where htmx asks because an order moved."""
    require(request.user.has_role(*READERS))  # type: ignore[union-attr]
    at = clock.now()
    filters = Filters.read(request.GET)
    seen = Order.objects.visible_to(request.user)
    found = (
        filters.sorted(filters.apply(seen, at=at)).select_related("org", "parent").defer("content", "result")
    )
    page = CappedPaginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    counted = seen.aggregate(
        **{name: Count("pk", filter=view_of(name, at=at)) for name in VIEWS if name != "ended"}
    )
    context = {
        "page_obj": page,
        "filters": filters,
        "views": [(name, label, counted.get(name)) for name, label in VIEWS.items()],
        "at": at,
    }
    if request.headers.get("HX-Request"):
        return render(request, "dispatch/_inbox_list.html", context)
    context |= {
        "kinds": OrderKind.choices,
        "urgencies": Urgency.choices,
        "sorts": SORTS.items(),
        "areas": _areas(request),
    }
    return render(request, "dispatch/inbox.html", context)


@login_required
@require_GET
def export(request: HttpRequest) -> StreamingHttpResponse:
    """The same list as a file, marked with who took it, and written down in the audit."""
    require(request.user.has_role(*READERS))  # type: ignore[union-attr]
    at = clock.now()
    filters = Filters.read(request.GET)
    found = filters.sorted(filters.apply(Order.objects.visible_to(request.user), at=at))
    rows: Iterable[Order] = (
        found.select_related("org").defer("content", "result")[:LIMIT].iterator(chunk_size=500)
    )
    audit(
        actor=request.user,  # type: ignore[arg-type]
        action="dispatch.export_orders",
        body={"query": request.GET.urlencode()},
        ip=request.META.get("REMOTE_ADDR"),
    )
    lines = order_table(rows, by=request.user)  # type: ignore[arg-type]
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="orders-{shanghai_day(at):%Y%m%d}.csv"'
    return response


def _areas(request: HttpRequest) -> list[tuple[str, str]]:
    """The areas one may narrow to: those of one's roles and one level below."""
    tops = areas_of(request.user, *READERS)
    found = [(code, here.name) for code in tops if (here := area(code))]
    below = [(child.code, child.name) for code in tops for child in children(code)]
    return [*found, *below[:300]]
