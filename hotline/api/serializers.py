"""What the API says of a ticket: never the caller, never a sealed ticket."""

from typing import Any, ClassVar

from rest_framework import serializers

from city.selectors import organisations
from commandcenter.core.masking import mask_text

from ..models import Category, Ticket
from ..states import Channel, RejectGround, RequestType, Satisfied, Solved, Urgency


class TicketOut(serializers.ModelSerializer[Ticket]):
    title = serializers.SerializerMethodField()
    content = serializers.SerializerMethodField()
    category = serializers.CharField(source="category.code", default="", read_only=True)
    org = serializers.CharField(source="org.code", default="", read_only=True)
    lon = serializers.SerializerMethodField()
    lat = serializers.SerializerMethodField()

    class Meta:
        model = Ticket
        fields: ClassVar = (
            *("id", "number", "channel", "request_type", "category", "urgency", "title", "content"),
            *("event_time", "address", "lon", "lat", "area_code", "state", "source", "taken_at", "org"),
            *("reply", "answered_at", "solved", "satisfied", "closed_at"),
        )
        read_only_fields = fields

    def get_title(self, ticket: Ticket) -> str:
        return mask_text(ticket.title)

    def get_content(self, ticket: Ticket) -> str:
        return mask_text(ticket.content)

    def get_lon(self, ticket: Ticket) -> float | None:
        return ticket.location.x if ticket.location else None

    def get_lat(self, ticket: Ticket) -> float | None:
        return ticket.location.y if ticket.location else None


class TakeIn(serializers.Serializer[Any]):
    title = serializers.CharField(max_length=200)
    content = serializers.CharField(max_length=10_000)
    channel = serializers.ChoiceField(choices=Channel.choices, default=Channel.WEB)
    request_type = serializers.ChoiceField(choices=RequestType.choices, default=RequestType.HELP)
    category_code = serializers.CharField(max_length=4, required=False, allow_blank=True, default="")
    urgency = serializers.ChoiceField(choices=Urgency.choices, default=Urgency.NORMAL)
    event_time = serializers.DateTimeField(required=False, allow_null=True, default=None)
    address = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")
    lon = serializers.FloatField(min_value=-180, max_value=180, required=False)
    lat = serializers.FloatField(min_value=-90, max_value=90, required=False)
    area_code = serializers.CharField(max_length=16, required=False, allow_blank=True, default="")
    caller_name = serializers.CharField(max_length=60, required=False, allow_blank=True, default="")
    caller_phone = serializers.CharField(max_length=40, required=False, allow_blank=True, default="")
    confidential = serializers.BooleanField(default=False)
    anonymous = serializers.BooleanField(default=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("lon" in attrs) != ("lat" in attrs):
            raise serializers.ValidationError({"lat": "longitude and latitude belong together"})
        if "lon" in attrs:
            attrs["location"] = (attrs.pop("lon"), attrs.pop("lat"))
        return attrs


class TakenOut(serializers.Serializer[Any]):
    """The answer to a new request; of a sealed one only that it was taken."""

    id = serializers.IntegerField()
    number = serializers.CharField()
    state = serializers.CharField()


class AnswerIn(serializers.Serializer[Any]):
    reply = serializers.CharField(max_length=10_000)


class RejectIn(serializers.Serializer[Any]):
    ground = serializers.ChoiceField(choices=RejectGround.choices)
    note = serializers.CharField(max_length=1_000, required=False, allow_blank=True, default="")


class DispatchIn(serializers.Serializer[Any]):
    org_id = serializers.IntegerField(min_value=1)
    note = serializers.CharField(max_length=1_000, required=False, allow_blank=True, default="")

    def validate_org_id(self, org_id: int) -> int:
        if not organisations().filter(pk=org_id).exists():
            raise serializers.ValidationError("unknown")
        return org_id


class CallBackIn(serializers.Serializer[Any]):
    contacted = serializers.BooleanField()
    solved = serializers.ChoiceField(choices=Solved.choices, required=False, allow_blank=True, default="")
    satisfied = serializers.ChoiceField(
        choices=Satisfied.choices, required=False, allow_blank=True, default=""
    )
    note = serializers.CharField(max_length=2_000, required=False, allow_blank=True, default="")


class OpenCallerIn(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=200)


class CallerOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    phone = serializers.CharField()
    id_number = serializers.CharField()


class SuggestIn(serializers.Serializer[Any]):
    title = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")
    content = serializers.CharField(max_length=10_000)
    address = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")
    area_code = serializers.CharField(max_length=16, required=False, allow_blank=True, default="")


class SuggestionOut(serializers.Serializer[Any]):
    target = serializers.CharField()
    value = serializers.CharField()
    name = serializers.CharField(source="label")
    reason = serializers.CharField()


class CategoryOut(serializers.ModelSerializer[Category]):
    parent_code = serializers.CharField(source="parent.code", default="", read_only=True)

    class Meta:
        model = Category
        fields = ("code", "name", "parent_code", "function", "request_type", "workdays")
        read_only_fields = fields
