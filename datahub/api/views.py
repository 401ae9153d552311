"""The catalogue and the deliveries, to read."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from commandcenter.core.errors import require
from commandcenter.core.paging import ApiPagination
from datahub.models import Dataset, Delivery, Reject
from datahub.policies import may_see_rejects

from .serializers import DatasetDetail, DatasetOut, DeliveryOut, RejectOut


class RejectPages(ApiPagination):
    ordering = "row_number"


class DatasetViewSet(ReadOnlyModelViewSet[Dataset]):
    queryset = Dataset.objects.none()
    pagination_class = ApiPagination
    lookup_field = "code"
    lookup_value_regex = r"[a-z0-9_.]+"
    filterset_fields = ["domain", "status", "provider"]

    def get_queryset(self) -> Any:
        found = Dataset.objects.visible_to(self.request.user)
        return found.prefetch_related("columns") if self.action == "retrieve" else found

    def get_serializer_class(self) -> Any:
        return DatasetDetail if self.action == "retrieve" else DatasetOut


class DeliveryViewSet(ReadOnlyModelViewSet[Delivery]):
    queryset = Delivery.objects.none()
    serializer_class = DeliveryOut
    pagination_class = ApiPagination
    filterset_fields = {"dataset__code": ["exact"], "state": ["exact"], "is_history": ["exact"]}

    def get_queryset(self) -> Any:
        return Delivery.objects.visible_to(self.request.user).select_related("dataset")

    @extend_schema(responses=RejectOut(many=True))
    @action(detail=True, filterset_fields=None)
    def rejects(self, request: Request, pk: str | None = None) -> Response:
        require(may_see_rejects(request.user))
        pages = RejectPages()
        rows = pages.paginate_queryset(Reject.objects.filter(delivery=self.get_object()), request, view=self)
        return pages.get_paginated_response(RejectOut(rows, many=True).data)
