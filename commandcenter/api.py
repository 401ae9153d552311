"""How the API says no: one shape for every refusal, and the schema says so of every operation."""

from collections.abc import Iterator
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import defaults
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers
from rest_framework.exceptions import APIException, ErrorDetail, ValidationError
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import exception_handler, set_rollback

from commandcenter.core.errors import BadInput, DomainError, Problem


class ProblemOut(serializers.Serializer[Any]):
    """One thing wrong with the input. row: of a file, null where the whole is meant."""

    row = serializers.IntegerField(allow_null=True)
    field = serializers.CharField(allow_blank=True)
    reason = serializers.CharField(allow_blank=True)
    file = serializers.CharField(allow_blank=True)


class Refusal(serializers.Serializer[Any]):
    """Why a request was refused. code: for programs; detail: for people; problems: of bad input."""

    code = serializers.CharField()
    detail = serializers.CharField(allow_blank=True)
    problems = ProblemOut(many=True, required=False)


def explain(error: Exception, context: dict[str, Any]) -> Response | None:
    """DomainError: 409 (400 for bad input). What DRF refuses keeps its status and gets the same shape."""
    if isinstance(error, DomainError):
        set_rollback()
        body: dict[str, Any] = {"code": error.code, "detail": str(error)}
        if isinstance(error, BadInput):
            body["problems"] = error.as_dicts()
            return Response(body, status=400)
        return Response(body, status=409)
    if isinstance(error, PermissionDenied):
        set_rollback()
        return Response({"code": "forbidden", "detail": str(error) or "forbidden"}, status=403)
    if isinstance(error, ValidationError):
        set_rollback()
        return explain(BadInput(_problems(error.detail)), context)
    answer = exception_handler(error, context)
    if answer is not None:
        code = error.get_codes() if isinstance(error, APIException) else "not_found"
        detail = answer.data.get("detail", "") if isinstance(answer.data, dict) else ""
        answer.data = {"code": code if isinstance(code, str) else "refused", "detail": str(detail)}
    return answer


def _problems(detail: Any, field: str = "") -> Iterator[Problem]:
    """The nested messages of a serializer, flat: lists by place, inner fields behind a dot."""
    if isinstance(detail, ErrorDetail) or not isinstance(detail, (dict, list)):
        yield Problem(None, field, str(detail))
    elif isinstance(detail, dict):
        for name, inner in detail.items():
            own = "" if name == "non_field_errors" else str(name)
            yield from _problems(inner, ".".join(filter(None, (field, own))))
    else:
        plain = all(isinstance(one, ErrorDetail) for one in detail)
        for n, inner in enumerate(detail):
            yield from _problems(inner, field if plain else f"{field}.{n}".lstrip("."))


REFUSALS = {
    "400": "The request cannot be understood, or its input cannot be taken.",
    "401": "The session rested too long.",
    "403": "Not logged in, or no right to this.",
    "404": "Not there, or not for the caller to see.",
    "409": "A rule of the field says no; code names it.",
    "415": "A body of this media type is not read.",
}


class RefusingSchema(AutoSchema):
    """Adds to every operation the refusals that the platform itself gives; a view's own words stay."""

    def _get_response_bodies(self, direction: str = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        if direction != "response":
            return bodies
        for status in self._refused_with():
            if status not in bodies:
                said = OpenApiResponse(Refusal, description=REFUSALS[status])
                bodies[status] = self._get_response_for_code(said, status)
        return dict(sorted(bodies.items()))

    def _map_serializer_field(self, field: Any, direction: str, bypass_extensions: bool = False) -> Any:
        """A choice that a row may leave empty is answered as "", which DRF forgets of fields only read."""
        model = getattr(getattr(field.parent, "Meta", None), "model", None)
        if isinstance(field, serializers.ChoiceField) and model is not None and field.read_only:
            own = {one.name: one for one in model._meta.get_fields()}.get(field.source)
            field.allow_blank = field.allow_blank or bool(getattr(own, "blank", False))
        return super()._map_serializer_field(field, direction, bypass_extensions)

    def _refused_with(self) -> list[str]:
        open_to_all = all(isinstance(one, AllowAny) for one in self.view.get_permissions())
        statuses = ["400"] if open_to_all else ["400", "401", "403"]
        if "{" in self.path or self._is_list_view():
            statuses.append("404")  # a page behind a cursor that is none is not there either
        if self.method not in ("GET", "HEAD", "OPTIONS"):
            statuses += ["409", "415"]
        return statuses


# ---------------------------------------------------------------- addresses outside any view


def _at_door(request: HttpRequest, status: int, code: str, words: str) -> JsonResponse | None:
    """Programs that ask under /api/ are answered in the same shape even where no view was reached."""
    if not request.path_info.startswith("/api/"):
        return None
    return JsonResponse({"code": code, "detail": words}, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _at_door(request, 400, "bad_request", "bad request") or defaults.bad_request(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _at_door(request, 404, "not_found", "not found") or defaults.page_not_found(request, exception)


def broken(request: HttpRequest) -> HttpResponse:
    return _at_door(request, 500, "error", "internal error") or defaults.server_error(request)
