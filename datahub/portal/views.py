"""The open portal: pages for everybody, and the steward's answers to requests."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from commandcenter.core import clock
from commandcenter.core.errors import BadInput, DomainError, require
from commandcenter.core.times import SHANGHAI, shanghai_day
from datahub.models import Dataset
from datahub.selectors import freshness, latest_versions

from . import dcat, reading, selectors, services
from .ckan_shapes import name_of
from .files import FORMS, encoded
from .forms import AnswerForm, AskForm, LookUpForm
from .licences import LICENCES
from .limits import limited, take
from .models import DataRequest
from .policies import may_answer
from .states import ANSWERED, OPEN, RequestState

PAGE = 20
TONES: dict[str, str] = {
    RequestState.RECEIVED: "accent",
    RequestState.IN_REVIEW: "accent",
    RequestState.OPENED: "green",
    RequestState.DECLINED: "grey",
}
FRESH_TONES = {"fresh": "green", "late": "orange", "never": "grey", "free": "grey", "history": "grey"}


def site_of(request: HttpRequest) -> str:
    return request.build_absolute_uri("/").rstrip("/")


@require_GET
@limited("page")
def home(request: HttpRequest) -> HttpResponse:
    """Find data: by words, theme, department or tag."""
    asked = {
        name: request.GET.get(name, "").replace("\x00", "").strip()[:80]
        for name in ("q", "theme", "provider", "tag")
    }
    found = selectors.of_theme(selectors.search(asked["q"]), asked["theme"])
    if asked["provider"]:
        found = found.filter(provider=asked["provider"])
    if asked["tag"]:
        found = found.filter(tags__contains=[asked["tag"]])
    pages = Paginator(selectors.with_columns(found), PAGE)
    page = pages.get_page(request.GET.get("page"))
    names = selectors.provider_names(one.provider for one in page)
    context = {
        "asked": asked,
        "narrowed": any(asked.values()),
        "page_obj": page,
        "found": [
            {
                "dataset": one,
                "provider": names.get(one.provider, one.provider),
                "theme": selectors.theme_of(one),
                "columns": selectors.shown_columns(one),
            }
            for one in page
        ],
        "themes": selectors.themes(),
        "providers": selectors.providers(),
        "tags": selectors.tags()[:24],
        "total": selectors.open_datasets().count(),
        "last_change": selectors.last_change(),
        "told": selectors.requests_told(),
    }
    return render(request, "datahub/portal/home.html", context)


def _open(code: str) -> Dataset:
    """What is not open is not there: the answer is the same as for a code that never was."""
    found = selectors.open_dataset(code)
    if found is None:
        raise Http404
    return found


@require_GET
@limited("page")
def dataset(request: HttpRequest, code: str) -> HttpResponse:
    found = _open(code)
    columns = selectors.shown_columns(found)
    try:
        preview = reading.newest(found, reading.PREVIEW_ROWS).to_pylist()
    except reading.TooSlow:
        preview = []
    names = selectors.provider_names([found.provider])
    fresh = freshness(found, clock.now())
    context = {
        "dataset": found,
        "columns": columns,
        "rows": [[shown(row[column.code]) for column in columns] for row in preview],
        "provider": names.get(found.provider, found.provider),
        "theme": selectors.theme_of(found),
        "licence": selectors.licence_for(found),
        "freshness": fresh,
        "tone": FRESH_TONES[fresh],
        "lake": latest_versions(found.code),
        "is_register": reading.is_register(found),
        "forms": FORMS.values(),
        "most": reading.DOWNLOAD_ROWS,
        "site": site_of(request),
        "ckan_name": name_of(found),
        "example": _example(found),
    }
    return render(request, "datahub/portal/dataset.html", context)


def _example(found: Dataset) -> str:
    """A column that a filter in the examples can name."""
    columns = [column.code for column in selectors.shown_columns(found)]
    return found.subject_column if found.subject_column in columns else columns[0]


def shown(value: Any) -> Any:
    if value is None:
        return "—"
    if isinstance(value, datetime):
        return f"{value.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
    return f"{value:g}" if isinstance(value, float) and abs(value) < 1e6 else value


@require_GET
@limited("rows")
def rows(request: HttpRequest, code: str, form: str) -> HttpResponse:
    """Rows to take home: the newest, at most DOWNLOAD_ROWS, or ?limit= of them."""
    found = _open(code)
    if form not in FORMS:
        raise Http404
    given = request.GET.get("limit", str(reading.DOWNLOAD_ROWS))
    if not (given.isascii() and given.isdecimal() and 1 <= int(given[:9]) <= reading.DOWNLOAD_ROWS):
        return JsonResponse(
            {"code": "bad_input", "detail": f"limit: 1 … {reading.DOWNLOAD_ROWS}"}, status=400
        )
    try:
        table = reading.newest(found, int(given))
    except reading.TooSlow as error:
        return JsonResponse({"code": error.code, "detail": str(error)}, status=503)
    licence = selectors.licence_for(found)
    body = encoded(form, table, dataset=found.code, licence=licence.code, limit=int(given))
    answer = HttpResponse(body, content_type=FORMS[form].media + ("; charset=utf-8" if form == "csv" else ""))
    name = f"{name_of(found)}-{shanghai_day(clock.now()):%Y%m%d}.{form}"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["X-Rows"] = str(table.num_rows)
    answer["Access-Control-Allow-Origin"] = "*"
    answer["Cache-Control"] = "no-store"
    return answer


@require_GET
@limited("page")
def help_page(request: HttpRequest) -> HttpResponse:
    context = {
        "site": site_of(request),
        "licences": LICENCES.values(),
        "most": reading.DOWNLOAD_ROWS,
        "search_rows": reading.SEARCH_ROWS,
    }
    return render(request, "datahub/portal/help.html", context)


@require_GET
@limited("api")
def catalogue(request: HttpRequest) -> HttpResponse:
    found = selectors.with_columns(selectors.open_datasets()).order_by("code")
    return _linked(dcat.catalogue(found, site_of(request)))


@require_GET
@limited("api")
def dataset_jsonld(request: HttpRequest, code: str) -> HttpResponse:
    return _linked(dcat.one(_open(code), site_of(request)))


def _linked(body: dict[str, Any]) -> HttpResponse:
    answer = JsonResponse(
        body, content_type="application/ld+json; charset=utf-8", json_dumps_params={"ensure_ascii": False}
    )
    answer["Access-Control-Allow-Origin"] = "*"
    return answer


# ---------------------------------------------------------------- requests of the public


@never_cache
@require_http_methods(["GET", "POST"])
@limited("page")
def ask(request: HttpRequest) -> HttpResponse:
    """Ask for data that is not open. The code is shown once, on the page that answers the form."""
    form = AskForm(request.POST or None, initial={"title": request.GET.get("title", "")[:120]})
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        wait = 0 if form.is_machine() else take("ask", str(request.META.get("REMOTE_ADDR") or ""))
        if wait or form.is_machine():
            form.add_error(None, _("Too many requests came from this address. Please try again later."))
        else:
            asked, code = services.ask_for_data(
                title=given["title"], purpose=given["purpose"], applicant=given["applicant"]
            )
            return render(request, "datahub/portal/asked.html", {"asked": asked, "code": code}, status=201)
    status = 400 if request.method == "POST" else 200
    return render(request, "datahub/portal/ask.html", {"form": form}, status=status)


@never_cache
@require_http_methods(["GET", "POST"])
@limited("page")
def progress(request: HttpRequest) -> HttpResponse:
    """How far a request is: by number and code, sent in the body so that they stay out of logs."""
    form = LookUpForm(request.POST or None, initial={"number": request.GET.get("number", "")[:24]})
    found, status = None, 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                found = services.look_up(
                    number=form.cleaned_data["number"],
                    code=form.cleaned_data["code"],
                    address=str(request.META.get("REMOTE_ADDR") or ""),
                )
                status = 200 if found else 404
                if found is None:
                    form.add_error(None, _("There is no request with this number and code."))
            except services.TooOften as error:
                status = 429
                form.add_error(None, str(error))
    context: dict[str, Any] = {"form": form, "found": found}
    if found is not None:
        open_now = found.dataset is not None and selectors.open_dataset(found.dataset.code) is not None
        context |= {"moves": found.moves.all(), "tone": TONES[found.state], "open_now": open_now}
        context["answered"] = found.state in ANSWERED
    return render(request, "datahub/portal/progress.html", context, status=status)


# ---------------------------------------------------------------- the steward's inbox


@login_required
@require_GET
def inbox(request: HttpRequest) -> HttpResponse:
    require(may_answer(request.user))
    answered = request.GET.get("view") == "answered"
    found = DataRequest.objects.filter(state__in=ANSWERED if answered else OPEN).select_related("dataset")
    page = Paginator(found.order_by("-pk" if answered else "due_at"), PAGE).get_page(request.GET.get("page"))
    context = {
        "page_obj": page,
        "found": [(one, TONES[one.state]) for one in page],
        "answered": answered,
        "now": clock.now(),
    }
    part = request.headers.get("HX-Request")
    return render(request, f"datahub/portal/{'_inbox_list' if part else 'inbox'}.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def answer_request(request: HttpRequest, pk: int) -> HttpResponse:
    require(may_answer(request.user))
    found = get_object_or_404(DataRequest.objects.select_related("dataset"), pk=pk)
    form = AnswerForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        works: dict[str, Callable[..., DataRequest]] = {
            "accept": services.accept_request,
            "open": services.open_request,
            "decline": services.decline_request,
        }
        try:
            works[form.cleaned_data["action"]](request_id=found.pk, by=request.user, **form.values())
            messages.success(request, _("The answer is visible to the person who asked."))
            return redirect(reverse("portal:answer", args=[found.pk]))
        except BadInput as error:
            for problem in error.problems:
                form.add_error(problem.field if problem.field in form.fields else None, str(problem.reason))
        except DomainError as error:
            form.add_error(None, str(error))
    context = {
        "found": found,
        "form": form,
        "moves": found.moves.select_related("by"),
        "tone": TONES[found.state],
        "may_accept": found.state == RequestState.RECEIVED,
        "is_open": found.state in OPEN,
        "suggestions": selectors.search(found.title)[:5] if found.state in OPEN else [],
        "codes": selectors.open_datasets().order_by("code").values_list("code", "name"),
    }
    status = 400 if request.method == "POST" else 200
    return render(request, "datahub/portal/answer.html", context, status=status)
