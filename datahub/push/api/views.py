"""The push API as Django serves it. In production `datahub.push.door` answers the pushes before Django."""

from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest
from django.http.request import RawPostDataException
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from commandcenter.core import clock
from datahub.sharing.api.views import AnyFormat, token_of

from .. import reading, selectors, services
from ..services.taking import admit
from .serializers import PushBatch, PushRefusal, PushTaken

WORDS = {
    400: "The body cannot be taken, with row, field and reason; nothing of it was.",
    401: "No key, or one that is not known, was stopped or has run out.",
    403: "The key does not open this dataset.",
    404: "There is no such dataset or batch.",
    409: "The dataset is not published, or another batch came with this Idempotency-Key.",
    413: "More rows or bytes than one push, or this key in a minute, may hold.",
    415: "A body or an encoding of this kind is not read.",
    429: "The key's rows of this minute are used up; Retry-After says when to come again.",
    503: "So much waits, or the database is away; Retry-After says when to come again.",
}
RETRY = OpenApiParameter(
    "Retry-After", int, OpenApiParameter.HEADER, response=[429, 503], description="Seconds."
)
ROW = {"type": "object", "additionalProperties": True, "minProperties": 1}
BODY = {"oneOf": [ROW, {"type": "array", "items": ROW, "minItems": 1, "maxItems": reading.MAX_ROWS}]}


def refusals(*statuses: int) -> dict[int, OpenApiResponse]:
    return {status: OpenApiResponse(PushRefusal, description=WORDS[status]) for status in statuses}


class PushApi(APIView):
    authentication_classes = ()
    permission_classes = ()
    content_negotiation_class = AnyFormat


class PushView(PushApi):
    """Rows of a dataset, pushed with a key."""

    @extend_schema(
        operation_id="push_rows",
        parameters=[
            OpenApiParameter(
                "Idempotency-Key",
                OpenApiTypes.STR,
                OpenApiParameter.HEADER,
                description="The sender's own number of the batch, at most 255 characters. The same number "
                "again within seven days is the same batch and is not taken twice.",
            ),
            RETRY,
        ],
        request={reading.JSON: BODY, reading.LINES: OpenApiTypes.STR},
        responses={202: PushTaken, **refusals(*WORDS)},
        auth=[{"pushKey": []}],
        description=(
            "One object, an array of objects, or one object a line; gzip as Content-Encoding is read. "
            f"At most {reading.MAX_ROWS} rows and {reading.MAX_BYTES} bytes. The answer 202 means that the "
            "rows are written to disk; rows that break a rule of the dataset are rejected later, one by one, "
            "and the batch says so."
        ),
    )
    def post(self, request: Request, code: str) -> Response:
        plain: HttpRequest = request._request
        try:
            body = plain.body
        except RequestDataTooBig:
            refused = services.Refused(413, "too_large", f"More than {reading.MAX_BYTES} bytes.")
            return Response(refused.body(), status=413)
        except RawPostDataException:  # a form was read before us
            body = b""
        call = services.Call(
            code=code,
            token=token_of(request),
            number=request.headers.get("Idempotency-Key", ""),
            content_type=request.headers.get("Content-Type", ""),
            encoding=request.headers.get("Content-Encoding", ""),
            body=body,
        )
        status, answer, headers = services.answer_to(call)
        return Response(answer, status=status, headers=headers)


class BatchView(PushApi):
    """What became of a batch: for its sender's organisation, a week long (a day without Idempotency-Key)."""

    @extend_schema(
        operation_id="push_batch",
        responses={200: PushBatch, **refusals(401, 403, 404, 409)},
        auth=[{"pushKey": []}],
    )
    def get(self, request: Request, code: str, batch: int) -> Response:
        try:
            known = admit(code, token_of(request), clock.now())
            found: dict[str, Any] | None = None
            if batch < 2**63:
                found = selectors.batch(dataset_id=known.dataset_id, batch_id=batch, org_code=known.org_code)
            if found is None:
                raise services.Refused(404, "unknown_batch", "There is no such batch, or no longer.")
        except services.Refused as refused:
            return Response(refused.body(), status=refused.status, headers=refused.headers())
        return Response(PushBatch(found).data)
