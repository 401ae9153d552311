"""What the interface says of an order and takes for each action."""

from typing import ClassVar

from rest_framework import serializers

from dispatch.models import Order, OrderMove
from dispatch.services import MAX_EXTENDED_DAYS
from dispatch.states import CancelGround, ContactOutcome


class OrderOut(serializers.ModelSerializer[Order]):
    org_code = serializers.CharField(source="org.code", read_only=True)
    org_name = serializers.CharField(source="org.name", read_only=True)
    held = serializers.BooleanField(read_only=True)

    class Meta:
        model = Order
        fields: ClassVar = [
            *("id", "number", "kind", "case_ref", "title", "content", "request_type", "place", "area_code"),
            *("org_code", "org_name", "role", "parent", "urgency", "level", "state", "round", "confidential"),
            *("contact_needed", "ruled", "held", "extended_days", "provisional_due", "dispatched_at"),
            *("sign_due_at", "contact_due_at", "due_at", "signed_at", "contacted_at", "handled_at"),
            *("closed_at", "result"),
        ]
        read_only_fields = fields


class MoveOut(serializers.ModelSerializer[OrderMove]):
    class Meta:
        model = OrderMove
        fields: ClassVar = [
            *(
                "id",
                "action",
                "from_state",
                "to_state",
                "round",
                "by_name",
                "org_code",
                "at",
                "note",
                "on_time",
            ),
            *("minutes_used", "sign_due_at", "contact_due_at", "due_at", "body"),
        ]
        read_only_fields = fields


class OrderDetailOut(OrderOut):
    moves = MoveOut(many=True, read_only=True)

    class Meta(OrderOut.Meta):
        fields: ClassVar = [*OrderOut.Meta.fields, "moves"]
        read_only_fields = fields


class NothingIn(serializers.Serializer):
    pass


class ContactIn(serializers.Serializer):
    outcome = serializers.ChoiceField(choices=ContactOutcome.choices, default=ContactOutcome.REACHED)
    note = serializers.CharField(required=False, allow_blank=True, default="", max_length=4000)


class HandleIn(serializers.Serializer):
    result = serializers.CharField(max_length=4000)
    solved = serializers.ChoiceField(choices=["yes", "partly", "no"], required=False, default="")


class CheckIn(serializers.Serializer):
    passed = serializers.BooleanField()
    note = serializers.CharField(required=False, allow_blank=True, default="", max_length=4000)


class ReasonIn(serializers.Serializer):
    reason = serializers.CharField(max_length=4000)


class RulingIn(serializers.Serializer):
    accepted = serializers.BooleanField()
    note = serializers.CharField(max_length=4000)
    to_org_id = serializers.IntegerField(required=False, allow_null=True, default=None)


class ExtensionIn(ReasonIn):
    days = serializers.IntegerField(min_value=1, max_value=MAX_EXTENDED_DAYS)


class HoldIn(ReasonIn):
    release_condition = serializers.CharField(max_length=4000)
    review_on = serializers.DateField()
    evidence = serializers.CharField(required=False, allow_blank=True, default="", max_length=4000)


class DecisionIn(serializers.Serializer):
    granted = serializers.BooleanField()
    note = serializers.CharField(required=False, allow_blank=True, default="", max_length=4000)


class NoteIn(serializers.Serializer):
    note = serializers.CharField(required=False, allow_blank=True, default="", max_length=4000)


class ShareIn(serializers.Serializer):
    org_id = serializers.IntegerField()
    task = serializers.CharField(max_length=4000)


class CancelIn(ReasonIn):
    ground = serializers.ChoiceField(choices=CancelGround.choices, default=CancelGround.WITHDRAWN)
