from __future__ import annotations

from typing import TYPE_CHECKING, cast

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from commandcenter.core.paging import ApiPagination

from .. import services
from ..models import Alert, Detector
from .serializers import AlertDetailOut, AlertOut, DetectorOut, ResolveIn, VerdictIn

if TYPE_CHECKING:
    from city.models import User


def me(request: Request) -> User:
    """The person who asks; anonymous requests never come this far."""
    return cast("User", request.user)


class AlertViewSet(ReadOnlyModelViewSet[Alert]):
    """Alerts that one may see; trials only for analysts."""

    queryset = Alert.objects.none()
    serializer_class = AlertOut
    pagination_class = ApiPagination
    filterset_fields = ("state", "level", "trial", "subject")

    def get_queryset(self) -> QuerySet[Alert]:
        found = Alert.objects.visible_to(me(self.request)).select_related("detector", "receiver")
        return found.prefetch_related("evidence") if self.action == "retrieve" else found

    def get_serializer_class(self) -> type[AlertOut]:
        return AlertDetailOut if self.action == "retrieve" else AlertOut

    @extend_schema(request=VerdictIn, responses=AlertOut)
    @action(detail=True, methods=["post"])
    def verify(self, request: Request, pk: str | None = None) -> Response:
        body = VerdictIn(data=request.data)
        body.is_valid(raise_exception=True)
        alert = services.verify_alert(alert_id=self.get_object().pk, by=me(request), **body.validated_data)
        return Response(AlertOut(alert).data)

    @extend_schema(request=ResolveIn, responses=AlertOut)
    @action(detail=True, methods=["post"], url_path="dispatch")
    def dispatch_alert(
        self, request: Request, pk: str | None = None
    ) -> Response:  # "dispatch" itself is Django's
        body = ResolveIn(data=request.data)
        body.is_valid(raise_exception=True)
        services.dispatch_alert(alert_id=self.get_object().pk, by=me(request), **body.validated_data)
        return Response(AlertOut(self.get_object()).data)


class DetectorViewSet(ReadOnlyModelViewSet[Detector]):
    queryset = Detector.objects.none()
    serializer_class = DetectorOut
    lookup_field = "code"
    lookup_value_regex = "[-\\w]+"

    def get_queryset(self) -> QuerySet[Detector]:
        return Detector.objects.visible_to(me(self.request)).order_by("code")
