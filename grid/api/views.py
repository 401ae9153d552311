from __future__ import annotations

from typing import TYPE_CHECKING, cast

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from commandcenter.core.paging import ApiPagination

from .. import services
from ..models import EventKind, Report
from ..photos import MOST_BYTES
from .serializers import EventKindOut, ReportIn, ReportOut

if TYPE_CHECKING:
    from city.models import User


def me(request: Request) -> User:
    """The person who asks; anonymous requests never come this far."""
    return cast("User", request.user)


class ReportViewSet(ReadOnlyModelViewSet[Report]):
    """Grid reports that one may see; a grid worker may send one."""

    queryset = Report.objects.none()
    serializer_class = ReportOut
    pagination_class = ApiPagination
    filterset_fields = ("state",)

    def get_queryset(self) -> QuerySet[Report]:
        return Report.objects.visible_to(me(self.request)).select_related("kind", "org")

    @extend_schema(request=ReportIn, responses={201: ReportOut})
    def create(self, request: Request) -> Response:
        body = ReportIn(data=request.data)
        body.is_valid(raise_exception=True)
        data = dict(body.validated_data)
        data["kind_code"] = data.pop("kind")
        if data["photo"] is not None:
            data["photo"] = data["photo"].read(MOST_BYTES + 1)
        report = services.report_event(by=me(request), **data)
        return Response(ReportOut(report).data, status=status.HTTP_201_CREATED)


class EventKindViewSet(ReadOnlyModelViewSet[EventKind]):
    """What can be reported."""

    queryset = EventKind.objects.active().order_by("code")
    serializer_class = EventKindOut
    lookup_field = "code"
