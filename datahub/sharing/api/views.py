"""The share API: rows under a grant, and what a token may see."""

from dataclasses import replace
from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from commandcenter.core.errors import BadInput, Problem
from datahub.sharing import services
from datahub.sharing.formats import ANSWERS, TYPES, encoded, form_of
from datahub.sharing.reading import MAX_ROWS
from datahub.sharing.selectors import catalogue_for
from datahub.sharing.services import Asked, Denied, TooManyStrangers
from datahub.sharing.states import Denial
from datahub.sharing.terms import OPS, Condition

from .serializers import SharedCatalogue, SharedRows, ShareRefusal

RESERVED = frozenset({"cursor", "limit", "format", "columns", "token"})
LIMITS = {"json": 10_000, "csv": 50_000, "arrow": MAX_ROWS}
REFUSALS: dict[Any, Any] = {
    400: OpenApiResponse(ShareRefusal, description="The request cannot be understood."),
    403: OpenApiResponse(ShareRefusal, description="No token, or no grant that is in force."),
    429: OpenApiResponse(ShareRefusal, description="The calls of the day are used up."),
}


class AnyFormat(BaseContentNegotiation):
    """These views choose the format themselves; an Accept header they do not know gets JSON."""

    def select_parser(self, request: Any, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Any, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class ShareView(APIView):
    authentication_classes = ()
    permission_classes = ()
    content_negotiation_class = AnyFormat

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, Denied):
            return Response({"code": exc.code, "detail": str(exc)}, status=exc.status)
        if isinstance(exc, TooManyStrangers):
            return Response({"code": exc.code, "detail": str(exc)}, status=429, headers={"Retry-After": "60"})
        return super().handle_exception(exc)


def token_of(request: Request) -> str:
    """`Authorization: Bearer …`. Never from the address, which lands in logs."""
    kind, _blank, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


class RowsView(ShareView):
    """Rows of a dataset under the caller's grant."""

    @extend_schema(
        operation_id="share_rows",
        parameters=[
            OpenApiParameter(
                "cursor", OpenApiTypes.STR, description="`next` or `resume` of an earlier page."
            ),
            OpenApiParameter("limit", OpenApiTypes.INT, description="Rows of a page, 1000 unless said."),
            OpenApiParameter("columns", OpenApiTypes.STR, description="Granted columns, with commas."),
            OpenApiParameter("format", OpenApiTypes.STR, enum=ANSWERS),
        ],
        responses={
            (200, "application/json"): SharedRows,
            (200, "text/csv"): OpenApiTypes.STR,
            (200, "application/vnd.apache.arrow.stream"): OpenApiTypes.BINARY,
            **REFUSALS,
        },
        auth=[{"shareToken": []}],
        description=(
            "Further conditions: `column=value` or `column__op=value` with op one of "
            + ", ".join(OPS)
            + ". CSV and Arrow say the cursors in X-Next-Cursor and X-Resume-Cursor."
        ),
    )
    def get(self, request: Request, code: str) -> HttpResponse:
        params = request.query_params
        code = code.replace("\x00", "")  # no database takes it
        form = form_of(params.get("format"), request.headers.get("Accept", ""))
        asked = Asked(
            dataset_code=code,
            token=token_of(request),
            form=form or "",
            ip=request.META.get("REMOTE_ADDR") or None,
        )
        try:
            agreement, page = services.answer(asked_for(asked, params, form))
        except _Unclear as error:
            services.refuse_unclear(asked)
            raise error.problem from error
        beside: dict[str, Any] = {
            "dataset": code,
            "version": page.version,
            "next": str(page.next) if page.next else None,
            "resume": str(page.resume),
        }
        assert form is not None
        response = HttpResponse(encoded(form, page.table, **beside), content_type=TYPES[form])
        response["X-Next-Cursor"] = beside["next"] or ""
        response["X-Resume-Cursor"] = beside["resume"]
        response["X-Lake-Version"] = "" if page.version is None else str(page.version)
        response["X-Rows"] = str(page.rows)
        response["X-Agreement"] = agreement.number
        response["Cache-Control"] = "no-store"
        return response


class _Unclear(Exception):
    def __init__(self, problem: BadInput) -> None:
        self.problem = problem


def asked_for(asked: Asked, params: Any, form: str | None) -> Asked:
    """The call with its parameters read. Raises _Unclear."""
    if form is None:
        raise _Unclear(BadInput(Problem(None, "format", f"one of {', '.join(ANSWERS)}")))
    limit = params.get("limit", "1000")
    if not (limit.isascii() and limit.isdecimal() and 1 <= int(limit[:9]) <= LIMITS[form]):
        raise _Unclear(BadInput(Problem(None, "limit", f"1 … {LIMITS[form]}")))
    columns = params.get("columns")
    if columns is not None and not columns.strip(","):
        raise _Unclear(BadInput(Problem(None, "columns", "at least one column has to be named")))
    conditions = []
    for name in params:
        if name in RESERVED:
            continue
        column, _sign, op = name.rpartition("__") if "__" in name else (name, "", "eq")
        if op not in OPS:
            raise _Unclear(BadInput(Problem(None, name, f"no such condition; one of {', '.join(OPS)}")))
        for value in params.getlist(name):
            listed = value.split(",") if op == "in" else value
            conditions.append(Condition(column=column, op=op, value=listed))
    return replace(
        asked,
        columns=[name for name in columns.split(",") if name] if columns is not None else None,
        conditions=tuple(conditions),
        cursor=params.get("cursor", ""),
        limit=int(limit),
    )


class CatalogueView(ShareView):
    """The datasets that this token opens, with their declarations."""

    @extend_schema(
        operation_id="share_catalogue",
        responses={200: SharedCatalogue, 403: REFUSALS[403], 429: REFUSALS[429]},
        auth=[{"shareToken": []}],
    )
    def get(self, request: Request) -> Response:
        asked = Asked(dataset_code="", token=token_of(request), ip=request.META.get("REMOTE_ADDR") or None)
        found = catalogue_for(services.hash_of(asked.token)) if asked.token else None
        if found is None:
            denial = Denial.UNKNOWN_TOKEN if asked.token else Denial.NO_TOKEN
            raise services.refuse_call(None, denial, asked)
        return Response({"datasets": found})
