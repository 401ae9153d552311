"""Connecting a source in steps: where it is, what to pick, which column is which, when; then a trial."""

from typing import Any, Final

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from commandcenter.core.errors import BadInput, DomainError, require
from datahub.models import Dataset
from datahub.policies import may_deliver
from datahub.selectors import spec_for
from datahub.sharing.policies import steward_of
from datahub.states import DatasetStatus

from . import services
from .forms import (
    CONNECT,
    UNITS,
    ColumnsForm,
    RecordsForm,
    RhythmForm,
    TableForm,
    headers_text,
    shown_name,
    suggested,
)
from .models import Source
from .settings import DatabaseSettings, HttpSettings, parse
from .states import PullKind, Rhythm

STEP_LABELS: Final = {
    "connect": gettext_lazy("Where it is"),
    "pick": gettext_lazy("What to take"),
    "columns": gettext_lazy("Which column is which"),
    "rhythm": gettext_lazy("When, and a trial"),
}
NEXT_STEPS: Final = {
    PullKind.FOLDER.value: ["connect", "rhythm"],
    PullKind.DATABASE.value: ["connect", "pick", "columns", "rhythm"],
    PullKind.HTTP.value: ["connect", "pick", "columns", "rhythm"],
}
ABOUT: Final = {
    PullKind.FOLDER.value: gettext_lazy(
        "A department puts files into a folder; each whole file is taken once."
    ),
    PullKind.DATABASE.value: gettext_lazy(
        "A table of a PostgreSQL database, or of a SQLite file in the drop folder; only new rows are read."
    ),
    PullKind.HTTP.value: gettext_lazy("An interface that answers with records, or a file at an address."),
}


def steps_of(source: Source) -> list[str]:
    if source.kind == PullKind.HTTP and source.settings.get("form") == "file":
        return ["connect", "rhythm"]
    return NEXT_STEPS[source.kind]


def _page(
    request: HttpRequest, template: str, step: str, source: Source | None, *, kind: str = "", **more: Any
) -> HttpResponse:
    names = steps_of(source) if source else NEXT_STEPS[kind]
    place = names.index(step)
    context = {
        "source": source,
        "kind": kind or (source.kind if source else ""),
        "step": step,
        "steps": [
            {"name": name, "label": STEP_LABELS[name], "done": n < place, "now": n == place}
            for n, name in enumerate(names)
        ],
        "label": STEP_LABELS[step],
        **more,
    }
    return render(request, f"datahub/connectors/{template}.html", context)


def _mine(request: HttpRequest, pk: int) -> Source:
    require(may_deliver(request.user))
    found = get_object_or_404(Source.objects.visible_to(request.user).select_related("dataset"), pk=pk)
    require(steward_of(request.user, found.dataset))
    return found


def _onwards(request: HttpRequest, source: Source, step: str) -> HttpResponse:
    """The next step of a draft; a source that runs already goes back to its page."""
    if source.ready:
        messages.success(request, _("Saved."))
        return redirect("datahub:source", pk=source.pk)
    names = steps_of(source)
    return redirect(f"datahub:source_{names[names.index(step) + 1]}", pk=source.pk)


def _save(request: HttpRequest, source: Source, settings: dict[str, Any], **more: Any) -> Source:
    given = {
        "name": source.name,
        "rhythm": source.rhythm,
        "every_s": source.every_s,
        "daily_at": source.daily_at,
        "ready": source.ready,
        **more,
    }
    return services.save_source(
        by=request.user,  # type: ignore[arg-type]
        source_id=source.pk,
        dataset_code=source.dataset.code,
        kind=source.kind,
        settings={**source.settings, **settings},
        **given,
    )


def _said(form: forms.Form, error: DomainError) -> None:
    """What was wrong, beside the field it belongs to."""
    if not isinstance(error, BadInput):
        form.add_error(None, str(error))
        return
    for problem in error.problems:
        form.add_error(problem.field if problem.field in form.fields else None, problem.reason)


@login_required
@require_GET
def kinds(request: HttpRequest) -> HttpResponse:
    require(may_deliver(request.user))
    rows = [(kind.value, kind.label, ABOUT[kind.value]) for kind in PullKind]
    return render(
        request, "datahub/connectors/kinds.html", {"kinds": rows, "dataset": request.GET.get("dataset", "")}
    )


def _datasets(request: HttpRequest) -> list[tuple[str, str]]:
    found = Dataset.objects.visible_to(request.user).exclude(status=DatasetStatus.RETIRED).order_by("code")
    return [(one.code, f"{one.title} · {one.code}") for one in found if steward_of(request.user, one)]


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest, kind: str) -> HttpResponse:
    """Step one of a new source: it is asked at once, and only what answers is kept."""
    require(may_deliver(request.user))
    if kind not in CONNECT:
        raise Http404
    initial = {"dataset_code": request.GET.get("dataset", ""), "name": PullKind(kind).label}
    form = CONNECT[kind](request.POST or None, datasets=_datasets(request), fixed=False, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            said = _try(kind, form.settings(), form.cleaned_data.get("secret", ""))
            made = services.save_source(
                by=request.user,  # type: ignore[arg-type]
                dataset_code=form.cleaned_data["dataset_code"],
                name=form.cleaned_data["name"],
                kind=kind,
                settings=form.settings(),
                secret=form.cleaned_data.get("secret", ""),
            )
        except DomainError as error:
            _said(form, error)
        else:
            messages.success(request, said)
            return _onwards(request, made, "connect")
    return _page(request, "connect", "connect", None, kind=kind, form=form, about=ABOUT[kind])


def _try(kind: str, settings: dict[str, Any], secret: str) -> str:
    return services.try_connection(kind=kind, settings=settings, secret=secret)


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def connect(request: HttpRequest, pk: int) -> HttpResponse:
    """Step one again: another address, another password. An empty password keeps the one that is there."""
    source = _mine(request, pk)
    chosen = parse(source.kind, source.settings)
    initial = {**source.settings, "name": source.name, "dataset_code": source.dataset.code}
    if isinstance(chosen, HttpSettings):
        initial["headers"] = headers_text(chosen)
    datasets = [(source.dataset.code, source.dataset.title)]
    form = CONNECT[source.kind](request.POST or None, datasets=datasets, fixed=True, initial=initial)
    if request.method == "POST" and form.is_valid():
        secret = form.cleaned_data.get("secret") or None
        try:
            saved = _save(request, source, form.settings(), name=form.cleaned_data["name"], secret=secret)
            messages.success(
                request, services.check_connection(parse(saved.kind, saved.settings), saved.secret or "")
            )
        except DomainError as error:
            _said(form, error)
        else:
            return _onwards(request, saved, "connect")
    return _page(
        request,
        "connect",
        "connect",
        source,
        form=form,
        about=ABOUT[source.kind],
        has_secret=bool(source.secret),
    )


@login_required
@require_http_methods(["GET", "POST"])
def pick(request: HttpRequest, pk: int) -> HttpResponse:
    """Step two: the table, or where the records are."""
    source = _mine(request, pk)
    chosen = parse(source.kind, source.settings)
    try:
        if isinstance(chosen, DatabaseSettings):
            return _pick_table(request, source, chosen)
        if isinstance(chosen, HttpSettings):
            return _pick_records(request, source, chosen)
    except DomainError as error:
        return _page(request, "pick", "pick", source, form=None, error=str(error))
    raise Http404


def _pick_table(request: HttpRequest, source: Source, chosen: DatabaseSettings) -> HttpResponse:
    there = services.list_tables(source, by=request.user)  # type: ignore[arg-type]
    now = (chosen.schema_name, chosen.table)
    form = TableForm(
        request.POST or None, tables=there, initial={"table": str(there.index(now)) if now in there else None}
    )
    if request.method == "POST" and form.is_valid():
        schema, table = form.chosen()
        values: dict[str, Any] = {"schema_name": schema, "table": table}
        if (schema, table) != now:
            values |= {"columns": {}, "cursor": "", "identity": []}
        try:
            return _onwards(request, _save(request, source, values), "pick")
        except DomainError as error:
            _said(form, error)
    return _page(request, "pick", "pick", source, form=form, count=len(there))


def _pick_records(request: HttpRequest, source: Source, chosen: HttpSettings) -> HttpResponse:
    answer = services.ask(source, by=request.user)  # type: ignore[arg-type]
    paths = [
        (one.pointer, f"{one.pointer or '/'} · {one.count} · {', '.join(one.fields[:6])}")
        for one in answer.records
    ]
    initial = {name: source.settings[name] for name in RecordsForm.base_fields}
    if not chosen.columns and paths:
        initial["record_path"] = paths[0][0]
    form = RecordsForm(request.POST or None, paths=paths, initial=initial)
    if request.method == "POST" and form.is_valid():
        values = dict(form.cleaned_data)
        if values["record_path"] != chosen.record_path:
            values |= {"columns": {}, "since_field": "", "identity": []}
        try:
            return _onwards(request, _save(request, source, values), "pick")
        except DomainError as error:
            _said(form, error)
    return _page(request, "pick", "pick", source, form=form, count=len(paths))


@login_required
@require_http_methods(["GET", "POST"])
def columns(request: HttpRequest, pk: int) -> HttpResponse:
    """Step three: which column is which, and which tells what is new."""
    source = _mine(request, pk)
    spec = spec_for(source.dataset)
    if source.kind == PullKind.DATABASE and not source.settings.get("table"):
        return redirect("datahub:source_pick", pk=source.pk)
    try:
        answer = services.ask(source, by=request.user)  # type: ignore[arg-type]
    except DomainError as error:
        return _page(request, "columns", "columns", source, form=None, error=str(error))
    if not answer.columns and answer.records:
        messages.info(request, _("First say where the records are."))
        return redirect("datahub:source_pick", pk=source.pk)
    form = ColumnsForm(
        request.POST or None,
        offered=answer.columns,
        spec=spec,
        kind=source.kind,
        initial=_columns_now(source, answer, spec),
    )
    if request.method == "POST" and form.is_valid():
        try:
            return _onwards(request, _save(request, source, form.settings()), "columns")
        except DomainError as error:
            _said(form, error)
    needed = [shown_name(column) for column in spec.columns if column.required]
    return _page(request, "columns", "columns", source, form=form, rows=answer.rows, needed=needed)


def _columns_now(source: Source, answer: Any, spec: Any) -> dict[str, Any]:
    settings = source.settings
    cursor = settings.get("cursor", "") or settings.get("since_field", "")
    initial: dict[str, Any] = {
        "cursor": cursor, "overlap": settings.get("overlap"), "since_param": settings.get("since_param", "")
    }  # fmt: skip
    if settings.get("columns"):
        chosen = settings["columns"]
        return initial | {f"c{n}": chosen.get(one.name, "") for n, one in enumerate(answer.columns)}
    found = suggested(answer.columns, spec)
    times = [one.name for n, one in enumerate(answer.columns) if found.get(f"c{n}") == spec.time_column != ""]
    keys = [one.name for one in answer.columns if one.key and one.kind == "integer"]
    return {**initial, **found, "cursor": cursor or next(iter(keys or times), "")}


@login_required
@require_http_methods(["GET", "POST"])
def rhythm(request: HttpRequest, pk: int) -> HttpResponse:
    """The last step: when it runs, and how its first rows would come in."""
    source = _mine(request, pk)
    if "columns" in steps_of(source) and not source.settings.get("columns"):
        return redirect("datahub:source_columns", pk=source.pk)
    unit = next((size for size, _label in reversed(UNITS) if source.every_s % size == 0), 1)
    initial = {
        "rhythm": source.rhythm, "every": source.every_s // unit, "unit": unit, "daily_at": source.daily_at
    }  # fmt: skip
    form = RhythmForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            saved = _save(
                request,
                source,
                {},
                rhythm=data["rhythm"],
                every_s=max(data["every"] * data["unit"], 10)
                if data["rhythm"] == Rhythm.EVERY
                else source.every_s,
                daily_at=data["daily_at"],
                ready=True,
            )
        except DomainError as error:
            _said(form, error)
        else:
            messages.success(request, _("The source is switched on."))
            return redirect("datahub:source", pk=saved.pk)
    return _page(request, "rhythm", "rhythm", source, form=form, **_trial(request, source))


def _trial(request: HttpRequest, source: Source) -> dict[str, Any]:
    try:
        found = services.try_run(source, by=request.user)  # type: ignore[arg-type]
    except DomainError as error:
        return {"error": str(error)}
    return {"look": found, "columns": spec_for(source.dataset).columns, "dataset": source.dataset}
