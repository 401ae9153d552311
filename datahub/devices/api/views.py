"""`POST /api/devices/v1/heartbeat`: signs of life, one or thousands at a time."""

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, PolymorphicProxySerializer, extend_schema
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response

from commandcenter.core.errors import BadInput, Problem
from datahub.sharing.api.serializers import ShareRefusal
from datahub.sharing.api.views import ShareView, token_of

from .. import services
from .reading import beats_of
from .serializers import HeartbeatAnswer, HeartbeatBatch, HeartbeatIn

SAID_UNKNOWN = 100


class HeartbeatView(ShareView):
    """Whoever holds a heartbeat key may say which devices of its owner live."""

    parser_classes = (JSONParser,)

    @extend_schema(
        operation_id="device_heartbeat",
        request=PolymorphicProxySerializer(
            component_name="Heartbeat",
            serializers=[HeartbeatIn, HeartbeatBatch],
            resource_type_field_name=None,
        ),
        responses={
            200: HeartbeatAnswer,
            403: OpenApiResponse(ShareRefusal, description="No heartbeat key that is in force."),
        },
        auth=[{"heartbeatKey": []}],
        description=(
            "One heartbeat, or up to 5,000 as `beats`. The moment is the server's; a gateway that held"
            " heartbeats back sends `sent_at` and each `at` by the same clock, and their difference counts."
            " The same heartbeat twice, or an older one after a newer, changes nothing."
        ),
        examples=[
            OpenApiExample("one", {"code": "32061300001320000001"}, request_only=True),
            OpenApiExample(
                "many",
                {
                    "sent_at": "2026-11-22T08:00:05+08:00",
                    "beats": [
                        {"code": "32061300001320000001", "at": "2026-11-22T08:00:01+08:00"},
                        {"code": "NT01", "trouble": "sensor_fault"},
                    ],
                },
                request_only=True,
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        key = services.key_of(token_of(request))
        if key is None:
            return Response({"code": "forbidden", "detail": "no heartbeat key in force"}, status=403)
        try:
            body = request.data
        except RecursionError:
            raise BadInput(Problem(None, "", "nested too deeply")) from None
        heard = services.hear(beats_of(body), owner_code=key.owner_code)
        return Response(
            {
                "accepted": heard.accepted,
                "unknown_count": len(heard.unknown),
                "unknown": heard.unknown[:SAID_UNKNOWN],
                "at": heard.at,
            }
        )
