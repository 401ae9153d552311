"""What the push API says, for its schema."""

from rest_framework import serializers

from commandcenter.api import ProblemOut
from datahub.faults import Reason
from datahub.faults import Refused as Why

from ..states import BatchState


class PushWarning(serializers.Serializer[object]):
    field = serializers.CharField()
    code = serializers.ChoiceField(
        choices=["unknown_column", "missing_column"],
        help_text="unknown_column: nobody reads it. missing_column: every row will be rejected for it.",
    )


class PushTaken(serializers.Serializer[object]):
    dataset = serializers.CharField()
    batch = serializers.IntegerField()
    rows = serializers.IntegerField()
    repeated = serializers.BooleanField(help_text="This Idempotency-Key came before; taken once.")
    warnings = PushWarning(many=True)


class PushRefusal(serializers.Serializer[object]):
    code = serializers.CharField()
    detail = serializers.CharField()
    problems = ProblemOut(many=True, required=False)


class BatchReject(serializers.Serializer[object]):
    row = serializers.IntegerField(help_text="Of the batch, from 1.")
    field = serializers.CharField(allow_blank=True)
    reason = serializers.ChoiceField(choices=Reason.choices)


class PushBatch(serializers.Serializer[object]):
    dataset = serializers.CharField()
    batch = serializers.IntegerField()
    rows = serializers.IntegerField()
    received_at = serializers.DateTimeField()
    state = serializers.ChoiceField(choices=BatchState.choices)
    delivery = serializers.IntegerField(allow_null=True, help_text="The delivery it was folded into.")
    rows_committed = serializers.IntegerField(allow_null=True)
    rows_rejected = serializers.IntegerField(allow_null=True)
    reason = serializers.ChoiceField(choices=Why.choices, allow_blank=True)
    rejects = BatchReject(many=True, help_text="The first twenty.")
