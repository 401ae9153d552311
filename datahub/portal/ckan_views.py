"""CKAN's door: one address per action, GET and POST alike, no login, no cookie."""

import json
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt

from . import ckan_datastore as _datastore  # noqa: F401  registers its action
from .ckan import ACTIONS, Asked
from .ckan_input import Invalid, NotThere
from .limits import address_of, take

ROWS = frozenset({"datastore_search"})


class _Unreadable(Exception):
    pass


@csrf_exempt
def action(request: HttpRequest, name: str) -> HttpResponse:
    if request.method == "OPTIONS":
        return _open(HttpResponse(status=204))
    if request.method not in ("GET", "POST", "HEAD"):
        return _open(HttpResponse(status=405, headers={"Allow": "GET, HEAD, OPTIONS, POST"}))
    wait = take("rows" if name in ROWS else "api", address_of(request))
    if wait:
        refused = _error(request, name, 429, {"__type": "Rate Limit Error", "message": "Too many requests"})
        refused["Retry-After"] = str(wait)
        return refused
    work = ACTIONS.get(name)
    if work is None:
        return _bad(f"Bad request - Action name not known: {name}")
    try:
        asked = Asked(_params(request), request.build_absolute_uri("/").rstrip("/"))
        result = work(asked)
    except _Unreadable as error:
        return _bad(f"Bad request - {error}")
    except NotThere:
        return _error(request, name, 404, {"__type": "Not Found Error", "message": "Not found"})
    except Invalid as error:
        return _error(request, name, 409, {"__type": "Validation Error", **error.problems})
    return _open(_json({"help": _help(request, name), "success": True, "result": result}))


def _params(request: HttpRequest) -> dict[str, Any]:
    """From the address, or from the body: JSON, or a form whose only name may be the JSON itself."""
    if request.method != "POST":
        return _single(request.GET)
    if request.content_type in ("application/x-www-form-urlencoded", "multipart/form-data"):
        given = _single(request.POST)
        if (
            len(given) == 1
            and next(iter(given.values())) == ""
            and next(iter(given)).lstrip().startswith("{")
        ):
            return _object(next(iter(given)))
        return given or _single(request.GET)
    try:
        body = request.body
    except RequestDataTooBig as error:
        raise _Unreadable("request body too large") from error
    return _object(body.decode("utf-8", "replace")) if body.strip() else _single(request.GET)


def _single(given: Any) -> dict[str, Any]:
    return {name: values[0] if len(values) == 1 else values for name, values in given.lists() if values}


def _object(body: str) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _Unreadable("JSON Error: Error decoding JSON data.") from error
    if not isinstance(found, dict):
        raise _Unreadable("JSON Error: Request data JSON decoded to something that is no dictionary.")
    return found


def _help(request: HttpRequest, name: str) -> str:
    return request.build_absolute_uri(reverse("portal:ckan", args=["help_show"])) + f"?name={name}"


def _error(request: HttpRequest, name: str, status: int, error: dict[str, Any]) -> HttpResponse:
    return _open(_json({"help": _help(request, name), "success": False, "error": error}, status=status))


def _bad(words: str) -> HttpResponse:
    """CKAN answers these with a bare text in JSON."""
    return _open(_json(words, status=400))


def _json(body: Any, status: int = 200) -> JsonResponse:
    return JsonResponse(body, status=status, safe=False, json_dumps_params={"ensure_ascii": False})


def _open(answer: HttpResponse) -> HttpResponse:
    """Other sites' pages may read this: it is public and asks for no cookie."""
    answer["Access-Control-Allow-Origin"] = "*"
    answer["Access-Control-Allow-Methods"] = "GET, POST, OPTIONS"
    answer["Access-Control-Allow-Headers"] = "Content-Type"
    answer["Cache-Control"] = "no-store"
    return answer
