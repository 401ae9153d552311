"""The API translates: rows by right, services for every change."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from commandcenter.core.errors import require
from commandcenter.core.paging import ApiPagination

from .. import policies, services
from ..classify.suggest import chips
from ..models import Category, Ticket
from . import serializers as s


def _read(kind: Any, request: Request) -> dict[str, Any]:
    form = kind(data=request.data)
    form.is_valid(raise_exception=True)
    return dict(form.validated_data)


class TicketViewSet(ReadOnlyModelViewSet[Ticket]):
    """Tickets one may open. Sealed ones are not here at all: they are worked on at the desk's own page."""

    queryset = Ticket.objects.none()
    serializer_class = s.TicketOut
    pagination_class = ApiPagination
    filterset_fields = ("state", "channel", "request_type", "urgency", "source")

    def get_queryset(self) -> QuerySet[Ticket]:
        user: Any = self.request.user
        rows = Ticket.objects.visible_to(user).unsealed().without_caller()
        return rows.select_related("category", "org")

    def _done(self, ticket: Ticket) -> Response:
        fresh = self.get_queryset().filter(pk=ticket.pk).first()
        if fresh is None:
            raise Http404
        return Response(s.TicketOut(fresh).data)

    @extend_schema(request=s.TakeIn, responses={201: s.TakenOut})
    def create(self, request: Request) -> Response:
        user: Any = request.user
        ticket = services.take_ticket(by=user, **_read(s.TakeIn, request))
        return Response(s.TakenOut(ticket).data, status=201)

    @extend_schema(request=s.AnswerIn, responses=s.TicketOut)
    @action(detail=True, methods=["post"])
    def answer(self, request: Request, pk: str | None = None) -> Response:
        user: Any = request.user
        data = _read(s.AnswerIn, request)
        return self._done(services.answer_ticket(ticket_id=self.get_object().pk, by=user, **data))

    @extend_schema(request=s.RejectIn, responses=s.TicketOut)
    @action(detail=True, methods=["post"])
    def reject(self, request: Request, pk: str | None = None) -> Response:
        user: Any = request.user
        data = _read(s.RejectIn, request)
        return self._done(services.reject_ticket(ticket_id=self.get_object().pk, by=user, **data))

    @extend_schema(request=s.DispatchIn, responses=s.TicketOut)
    @action(detail=True, methods=["post"], url_path="dispatch")
    def dispatch_ticket(self, request: Request, pk: str | None = None) -> Response:  # "dispatch" is Django's
        user: Any = request.user
        data = _read(s.DispatchIn, request)
        return self._done(services.dispatch_ticket(ticket_id=self.get_object().pk, by=user, **data))

    @extend_schema(request=s.CallBackIn, responses=s.TicketOut)
    @action(detail=True, methods=["post"], url_path="call-back")
    def call_back(self, request: Request, pk: str | None = None) -> Response:
        user: Any = request.user
        data = _read(s.CallBackIn, request)
        return self._done(services.record_call_back(ticket_id=self.get_object().pk, by=user, **data))

    @extend_schema(request=s.OpenCallerIn, responses=s.CallerOut)
    @action(detail=True, methods=["post"], url_path="open-caller")
    def open_caller(self, request: Request, pk: str | None = None) -> Response:
        user: Any = request.user
        caller = services.open_caller(
            ticket_id=self.get_object().pk,
            by=user,
            ip=request.META.get("REMOTE_ADDR"),
            **_read(s.OpenCallerIn, request),
        )
        return Response(caller, headers={"Cache-Control": "no-store"})

    @extend_schema(request=s.SuggestIn, responses=s.SuggestionOut(many=True))
    @action(detail=False, methods=["post"], pagination_class=None, filterset_fields=())
    def suggest(self, request: Request) -> Response:
        """Category, unit and area for a text, each with its reason."""
        user: Any = request.user
        require(policies.uses_intake(user))
        found = chips(**_read(s.SuggestIn, request), category_code="")
        return Response(s.SuggestionOut(found, many=True).data)


class CategoryViewSet(ReadOnlyModelViewSet[Category]):
    """The category tree; open to everyone who is logged in."""

    queryset = Category.objects.filter(active=True).select_related("parent")
    serializer_class = s.CategoryOut
    pagination_class = None
    lookup_field = "code"
    filterset_fields = ("function",)
