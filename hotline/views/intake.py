"""The operator's page: three columns, no page loads."""

import json
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from city import selectors as city
from city.locate import locate
from commandcenter.core import clock
from commandcenter.core.errors import DomainError
from commandcenter.core.masking import mask_phone
from hotline import selectors, services
from hotline.classify import rules
from hotline.classify.suggest import alike, chips
from hotline.forms import IntakeForm
from hotline.models import Ticket
from hotline.services.drafts import body_of
from hotline.states import RequestType

from .access import desk_only, with_toast

PICKED = 12


@desk_only
@require_GET
def intake(request: HttpRequest) -> HttpResponse:
    user: Any = request.user
    draft = services.start_call(by=user)
    return render(request, "hotline/intake.html", {
        "form": IntakeForm(initial=body_of(draft)),
        "picked": _picked(body_of(draft)),
        "started": draft.started_at if body_of(draft) else None,
        "queue": selectors.queue(user),
        "counts": selectors.queue_counts(user),
        "articles": [],
    })  # fmt: skip


def _picked(body: dict[str, Any]) -> dict[str, str]:
    """Words of what a draft had chosen."""
    leaf = rules.leaf(str(body.get("category", "")))
    org = city.organisations_in(city.roots()) if body.get("org") else []
    return {
        "area": city.area_path_name(str(body["area"])) if body.get("area") else "",
        "category": f"{leaf.parent_name} · {leaf.name}" if leaf else "",
        "org": next((one.name for one in org if str(one.pk) == str(body.get("org"))), ""),
    }


@desk_only
@require_GET
def queue(request: HttpRequest) -> HttpResponse:
    user: Any = request.user
    return render(request, "hotline/_queue.html", {
        "queue": selectors.queue(user), "counts": selectors.queue_counts(user),
    })  # fmt: skip


@desk_only
@require_POST
def caller(request: HttpRequest) -> HttpResponse:
    """Earlier requests of the number; it travels in the body, so that no log holds it."""
    user: Any = request.user
    phone = request.POST.get("caller_phone", "")
    rows = selectors.caller_history(user, phone) if len(phone.strip()) >= 7 else []
    return render(
        request, "hotline/_caller.html", {"rows": rows, "phone": mask_phone(phone) if phone else ""}
    )


@desk_only
@require_POST
def suggest(request: HttpRequest) -> HttpResponse:
    """Chips, likely duplicates and knowledge for the form as it stands."""
    read = {
        name: request.POST.get(name, "")[:10_000].strip() for name in ("title", "content", "address", "area")
    }
    category, org = request.POST.get("category", ""), request.POST.get("org", "")
    found = chips(
        title=read["title"], content=read["content"], address=read["address"], area_code=read["area"],
        category_code=category,
    )  # fmt: skip
    sealed = (
        bool(request.POST.get("confidential") or request.POST.get("is_whistleblow"))
        or request.POST.get("request_type") == RequestType.REPORT
    )
    guessed = category or next((chip.value for chip in found if chip.target == "category"), "")
    area = read["area"] or next((chip.value for chip in found if chip.target == "area"), "")
    twins = [] if sealed else _twins(request, read, area, guessed)
    text = request.POST.get("ask", "").strip() or f"{read['title']} {read['content']}"
    return render(request, "hotline/_help.html", {
        "chips": [chip for chip in found if not (chip.target == "org" and org)],
        "twins": twins,
        "articles": selectors.find_knowledge(text),
    })  # fmt: skip


def _twins(request: HttpRequest, read: dict[str, str], area: str, category: str) -> list[dict[str, Any]]:
    user: Any = request.user
    twins = alike(
        title=read["title"], content=read["content"], area_code=area, category_code=category, at=clock.now()
    )
    seen = Ticket.objects.visible_to(user).filter(pk__in=[one["ticket"].pk for one in twins])
    allowed = set(seen.values_list("pk", flat=True))
    return [one for one in twins if one["ticket"].pk in allowed]


@desk_only
@require_GET
def pick(request: HttpRequest, what: str) -> JsonResponse:
    """Areas, categories or units whose names hold the words: for the choosers."""
    words = request.GET.get("q", "").strip().split()
    found = {"area": _areas, "category": _categories, "org": _units}[what](words)
    return JsonResponse({"rows": found[:PICKED]})


def _areas(words: list[str]) -> list[dict[str, str]]:
    rows = []
    for level in ("county", "town", "village"):
        for one in city.areas_at(level):
            if words and not all(word in one.name or word == one.code for word in words):
                path = city.area_path_name(one.code)
                if not all(word in path for word in words) or not any(word in one.name for word in words):
                    continue
            if not words and level != "county":
                break
            rows.append({"value": one.code, "label": city.area_path_name(one.code), "hint": one.code})
            if len(rows) >= PICKED:
                return rows
    return rows


def _categories(words: list[str]) -> list[dict[str, str]]:
    rows = []
    for one in rules.tree().leaves:
        text = f"{one.code} {one.parent_name} {one.name} {' '.join(one.keywords)}"
        if all(word in text for word in words):
            label = f"{one.parent_name} · {one.name}"
            rows.append({"value": one.code, "label": label, "hint": one.code, "type": one.request_type})
    return rows


def _units(words: list[str]) -> list[dict[str, str]]:
    rows = []
    for one in city.organisations_in(city.roots()):
        text = f"{one.name} {one.short_name} {one.code} {city.area_name(one.area_code)}"
        if all(word in text for word in words):
            rows.append({"value": str(one.pk), "label": one.name, "hint": city.area_name(one.area_code)})
    return rows


@desk_only
@require_POST
def place(request: HttpRequest) -> JsonResponse:
    """The area of a map point, CGCS2000 degrees."""
    try:
        lon, lat = float(request.POST["lon"]), float(request.POST["lat"])
        code = locate(lon, lat) if abs(lon) <= 180 and abs(lat) <= 90 else None
    except (KeyError, ValueError):
        code = None
    return JsonResponse({"code": code or "", "path": city.area_path_name(code) if code else ""})


@desk_only
@require_POST
def draft(request: HttpRequest) -> HttpResponse:
    user: Any = request.user
    fields = {name for name in IntakeForm.base_fields if name != "suggested"}
    body = {name: request.POST[name] for name in fields if request.POST.get(name)}
    services.save_draft(by=user, body=body, restart=request.POST.get("_restart") == "1")
    return HttpResponse(status=204)


@desk_only
@require_POST
def take(request: HttpRequest) -> HttpResponse:
    """Take the request and do at once what its fields say; both or neither."""
    user: Any = request.user
    form = IntakeForm(request.POST)
    if not form.is_valid():
        return render(request, "hotline/_errors.html", {"form": form}, status=422)
    decision = form.decision()
    try:
        with transaction.atomic():
            ticket = services.take_ticket(
                by=user, **form.fields_of_ticket(), call_seconds=_call_seconds(user),
                suggestion=_suggestion(form.cleaned_data["suggested"]),
            )  # fmt: skip
            _carry_out(decision, ticket, form.cleaned_data, user)
    except DomainError as error:
        return render(request, "hotline/_errors.html", {"problem": str(error)}, status=422)
    services.drop_draft(by=user)
    done = {
        "answer": _("Ticket %(number)s answered and closed."),
        "dispatch": _("Ticket %(number)s dispatched."),
        "queue": _("Ticket %(number)s handed to the dispatchers."),
        "reject": _("Ticket %(number)s not accepted; the ground is on record."),
    }[decision]
    response = render(request, "hotline/_taken.html", {"ticket": ticket, "decision": decision})
    words = done % {"number": ticket.number}
    return with_toast(response, words, news={"hotline:taken": {"id": ticket.pk}})


def _carry_out(decision: str, ticket: Ticket, data: dict[str, Any], user: Any) -> None:
    if decision == "reject":
        services.reject_ticket(ticket_id=ticket.pk, ground=data["ground"], by=user, note=data["reply"])
    elif decision == "answer":
        services.answer_ticket(ticket_id=ticket.pk, reply=data["reply"], by=user)
    elif decision == "dispatch":
        services.dispatch_ticket(ticket_id=ticket.pk, org_id=data["org"], by=user)
    else:
        services.queue_ticket(ticket_id=ticket.pk, by=user)


def _call_seconds(user: Any) -> int | None:
    draft = services.start_call(by=user)
    if not body_of(draft):
        return None
    return min(int((clock.now() - draft.started_at).total_seconds()), 24 * 3600)


def _suggestion(text: str) -> dict[str, str]:
    """What was offered, as the page sends it back; kept to learn whether offers are good."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {}
    longest = {"category": 4, "org": 40, "why": 200, "by": 40}
    return {key: str(found[key])[:n] for key, n in longest.items() if found.get(key)}
