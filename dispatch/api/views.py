"""Orders for other systems: list, detail, and every action; the rules are the services'."""

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.viewsets import ReadOnlyModelViewSet

from city.selectors import organisations
from commandcenter.core import clock
from commandcenter.core.errors import BadInput, Problem
from commandcenter.core.paging import ApiPagination
from dispatch import services
from dispatch.filters import VIEWS, Filters
from dispatch.models import Order

from . import serializers as s


def text(name: str, **kwargs: Any) -> OpenApiParameter:
    return OpenApiParameter(name, OpenApiTypes.STR, **kwargs)


class OrderViewSet(ReadOnlyModelViewSet[Order]):
    """Orders that the caller may see, newest first. One he may not see is 404."""

    queryset = Order.objects.none()  # for the schema only
    serializer_class = s.OrderOut
    pagination_class = ApiPagination
    filter_backends = ()

    def get_queryset(self) -> QuerySet[Order]:
        return Order.objects.visible_to(self.request.user).select_related("org")

    def get_serializer_class(self) -> type[Serializer]:
        return s.OrderDetailOut if self.action == "retrieve" else s.OrderOut

    @extend_schema(
        parameters=[
            text("view", enum=list(VIEWS), description="default: open and ended alike"),
            text("q"),
            text("kind"),
            text("urgency"),
            text("area", description="area code; orders within it"),
        ]
    )
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    def filter_queryset(self, queryset: Any) -> Any:
        if self.action != "list":
            return queryset
        query = self.request.query_params
        filters = Filters.read(query)
        at = clock.now()
        return filters.apply(queryset, at=at) if "view" in query else filters.narrow(queryset)

    def run(self, service: Callable[..., Any], form: type[Serializer]) -> Response:
        """Check the input, call the service, answer with the order as it is now."""
        order = self.get_object()
        given = form(data=self.request.data)
        given.is_valid(raise_exception=True)
        values = dict(given.validated_data)
        for name in ("org_id", "to_org_id"):
            if values.get(name) is not None and not organisations().filter(pk=values[name]).exists():
                raise BadInput(Problem(None, name, "unknown"))
        service(order_id=order.pk, by=self.request.user, **values)
        order = Order.objects.select_related("org").prefetch_related("moves").get(pk=order.pk)
        return Response(s.OrderDetailOut(order).data)

    @extend_schema(request=s.NothingIn, responses=s.OrderDetailOut)
    @action(detail=True, methods=["post"])
    def sign(self, request: Request, pk: str | None = None) -> Response:
        return self.run(services.sign_order, s.NothingIn)

    @extend_schema(request=s.ContactIn, responses=s.OrderDetailOut)
    @action(detail=True, methods=["post"])
    def contact(self, request: Request, pk: str | None = None) -> Response:
        return self.run(services.contact_caller, s.ContactIn)

    @extend_schema(request=s.HandleIn, responses=s.OrderDetailOut)
    @action(detail=True, methods=["post"])
    def handle(self, request: Request, pk: str | None = None) -> Response:
        return self.run(services.handle_order, s.HandleIn)

    @extend_schema(request=s.CheckIn, responses=s.OrderDetailOut)
    @action(detail=True, methods=["post"])
    def check(self, request: Request, pk: str | None = None) -> Response:
        return self.run(services.check_order, s.CheckIn)

    @extend_schema(request=s.ReasonIn, responses=s.OrderDetailOut)
    @action(detail=True, methods=["post"], url_path="request-return")
    def request_return(self, request: Request, pk: str | None = None) -> Response:
        return self.run(services.request_return, s.ReasonIn)

    @extend_schema(request=s.RulingIn, responses=s.OrderDetailOut)
    @action(detail=True, methods=["post"], url_path="rule-return")
    def rule_return(self, request: Request, pk: str | None = None) -> Response:
        return self.run(services.rule_return, s.RulingIn)

    @extend_schema(request=s.ExtensionIn, responses=s.OrderDetailOut)
    @action(detail=True, methods=["post"], url_path="request-extension")
    def request_extension(self, request: Request, pk: str | None = None) -> Response:
        return self.run(services.request_extension, s.ExtensionIn)

    @extend_schema(request=s.DecisionIn, responses=s.OrderDetailOut)
    @action(detail=True, methods=["post"], url_path="decide-extension")
    def decide_extension(self, request: Request, pk: str | None = None) -> Response:
        return self.run(services.decide_extension, s.DecisionIn)

    @extend_schema(request=s.HoldIn, responses=s.OrderDetailOut)
    @action(detail=True, methods=["post"], url_path="request-hold")
    def request_hold(self, request: Request, pk: str | None = None) -> Response:
        return self.run(services.request_hold, s.HoldIn)

    @extend_schema(request=s.DecisionIn, responses=s.OrderDetailOut)
    @action(detail=True, methods=["post"], url_path="decide-hold")
    def decide_hold(self, request: Request, pk: str | None = None) -> Response:
        return self.run(services.decide_hold, s.DecisionIn)

    @extend_schema(request=s.NoteIn, responses=s.OrderDetailOut)
    @action(detail=True, methods=["post"])
    def release(self, request: Request, pk: str | None = None) -> Response:
        return self.run(services.release_order, s.NoteIn)

    @extend_schema(request=s.ShareIn, responses=s.OrderDetailOut)
    @action(detail=True, methods=["post"])
    def assist(self, request: Request, pk: str | None = None) -> Response:
        return self.run(services.open_assist, s.ShareIn)

    @extend_schema(request=s.ShareIn, responses=s.OrderDetailOut)
    @action(detail=True, methods=["post"], url_path="pass-down")
    def pass_down(self, request: Request, pk: str | None = None) -> Response:
        return self.run(services.pass_down, s.ShareIn)

    @extend_schema(request=s.ReasonIn, responses=s.OrderDetailOut)
    @action(detail=True, methods=["post"])
    def redo(self, request: Request, pk: str | None = None) -> Response:
        return self.run(services.redo_order, s.ReasonIn)

    @extend_schema(request=s.CancelIn, responses=s.OrderDetailOut)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str | None = None) -> Response:
        return self.run(services.cancel_order, s.CancelIn)
