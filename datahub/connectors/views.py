"""The sources that the hub fetches from: the list, one source with its runs, pause, go on, run now."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST
from sqlalchemy.engine import make_url

from commandcenter.core import clock
from commandcenter.core.errors import BadInput, DomainError, require
from datahub.policies import may_deliver
from datahub.sharing.policies import steward_of

from . import selectors, services
from .models import Source
from .settings import DatabaseSettings, FolderSettings, HttpSettings, parse
from .states import Rhythm, RunOutcome
from .tasks import run_sources
from .wizard import steps_of

STATE_LABELS = {
    "draft": lambda: _("Not switched on"),
    "paused": lambda: _("Paused"),
    "running": lambda: _("Running"),
    "failing": lambda: _("Failing"),
    "waiting": lambda: _("Never ran"),
    "good": lambda: _("In order"),
}


@login_required
@require_GET
def sources(request: HttpRequest) -> HttpResponse:
    """Every source with its state, last and next run; refreshes itself."""
    require(may_deliver(request.user))
    at = clock.now()
    found = list(Source.objects.visible_to(request.user).select_related("dataset"))
    today = selectors.rows_today([one.pk for one in found], at)
    rows = [_row(one, today.get(one.pk, 0), at, request.user) for one in found]
    order = ["failing", "running", "draft", "waiting", "good", "paused"]
    rows.sort(key=lambda row: order.index(row["state"]))
    context = {
        "rows": rows,
        "at": at,
        "rows_today": sum(today.values()),
        "counts": selectors.counts(found, at),
    }
    partial = bool(request.headers.get("HX-Request"))
    return render(
        request, "datahub/connectors/_list.html" if partial else "datahub/connectors/list.html", context
    )


def _row(one: Source, today: int, at: Any, user: Any) -> dict[str, Any]:
    state = selectors.state_of(one, at)
    return {
        "source": one,
        "state": state,
        "label": STATE_LABELS[state](),
        "tone": selectors.STATE_TONES[state],
        "today": today,
        "rhythm": rhythm_of(one),
        "overdue": selectors.overdue(one, at),
        "mine": steward_of(user, one.dataset),
        "reason": one.last_reason.splitlines()[0] if one.last_reason else "",
        "failed": one.last_outcome == RunOutcome.FAILED,
    }


def rhythm_of(one: Source) -> str:
    if one.rhythm == Rhythm.DAILY and one.daily_at is not None:
        return _("daily at %(time)s") % {"time": f"{one.daily_at:%H:%M}"}
    for size, words in ((3_600, _("every %(n)s h")), (60, _("every %(n)s min"))):
        if one.every_s % size == 0:
            return words % {"n": one.every_s // size}
    return _("every %(n)s s") % {"n": one.every_s}


@login_required
@require_GET
def source(request: HttpRequest, pk: int) -> HttpResponse:
    require(may_deliver(request.user))
    found = _visible(request, pk)
    at = clock.now()
    page = Paginator(found.runs.select_related("delivery", "by"), 30).get_page(request.GET.get("page"))
    for one in page.object_list:
        one.tone = selectors.TONES[RunOutcome(one.outcome)]  # type: ignore[attr-defined]
        one.seconds = (one.ended_at - one.started_at).total_seconds() if one.ended_at else None  # type: ignore[attr-defined]
    context = {
        **_row(found, selectors.rows_today([pk], at).get(pk, 0), at, request.user),
        "facts": facts(found),
        "page_obj": page,
        "at": at,
        "steps": steps_of(found),
        "changed": bool(
            found.failures and page.object_list and page.object_list[0].code == "columns_changed"
        ),
    }
    partial = bool(request.headers.get("HX-Request"))
    return render(
        request, "datahub/connectors/_source.html" if partial else "datahub/connectors/source.html", context
    )


def facts(found: Source) -> list[tuple[str, str]]:
    """How it is reached, without a secret in it."""
    chosen = parse(found.kind, found.settings)
    lines: list[tuple[str, str]] = []
    if isinstance(chosen, FolderSettings):
        lines = [
            (_("Folder"), chosen.folder),
            (_("Names of files"), chosen.pattern),
            (_("Whole when unchanged for"), f"{chosen.settle_s} s"),
            (_("Saved mapping"), chosen.mapping or _("found by the header")),
        ]
    elif isinstance(chosen, DatabaseSettings):
        url = make_url(chosen.url)
        lines = [
            (_("Database"), f"{url.host}:{url.port}/{url.database}" if url.host else str(url.database)),
            (_("Table"), ".".join(part for part in (chosen.schema_name, chosen.table) if part) or "—"),
            (_("Tells what is new"), chosen.cursor or _("nothing: the whole table each time")),
        ]
        if url.host:
            lines.insert(1, (_("User"), str(url.username)))
            lines.insert(2, (_("Password"), _("set") if found.secret else _("none")))
        if chosen.cursor:
            lines.append((_("Looked again behind it"), str(chosen.overlap)))
    elif isinstance(chosen, HttpSettings):
        lines = [
            (_("Address"), chosen.url),
            (_("Token"), _("set") if found.secret else _("none")),
        ]
        if chosen.form == "json":
            lines += [
                (_("Records at"), chosen.record_path or "/"),
                (_("Tells what is new"), chosen.since_field or _("nothing: the whole each time")),
            ]
    if "value" in found.cursor:
        lines.append((_("Fetched up to"), str(found.cursor["value"])))
    columns = getattr(chosen, "columns", {})
    if columns:
        lines.append((_("Columns"), ", ".join(f"{name} → {code}" for name, code in columns.items())))
    return lines


@login_required
@require_POST
def act(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """pause, resume, run, accept, drop: the service decides, the page says what came of it."""
    require(may_deliver(request.user))
    found = _visible(request, pk)
    given: dict[str, Any] = {"source_id": found.pk, "by": request.user}
    try:
        if action == "pause":
            services.set_paused(paused=True, **given)
            messages.success(request, _("Paused. What is missed meanwhile is not made up for."))
        elif action == "resume":
            services.set_paused(paused=False, **given)
            messages.success(request, _("It goes on."))
        elif action == "run":
            services.run_soon(**given)
            run_sources.apply_async(queue="lake")
            messages.info(request, _("It runs now; the result follows here."))
        elif action == "accept":
            services.accept_columns(**given)
            run_sources.apply_async(queue="lake")
            messages.success(request, _("The columns as they are now are taken for right."))
        else:
            services.drop_draft(**given)
            messages.success(request, _("Removed."))
            return redirect("datahub:sources")
    except BadInput as error:
        messages.error(request, "; ".join(problem.reason for problem in error.problems))
    except DomainError as error:
        messages.error(request, str(error))
    return redirect("datahub:source", pk=found.pk)


def _visible(request: HttpRequest, pk: int) -> Source:
    return get_object_or_404(Source.objects.visible_to(request.user).select_related("dataset"), pk=pk)
