"""What the share API says of corrections, for its schema."""

from rest_framework import serializers


class CorrectionAsked(serializers.Serializer[object]):
    """Which record: `row` as the trace names it, or `match`, columns of the grant that single it out."""

    row = serializers.CharField(required=False, max_length=120, help_text="datahub.row:<delivery>:<row>")
    match = serializers.DictField(
        required=False, help_text="Column -> value; of several versions of one key the newest is meant."
    )
    column = serializers.CharField(max_length=63)
    wrong = serializers.CharField(required=False, allow_blank=True, max_length=500, default="")
    proposed = serializers.CharField(max_length=500)
    evidence = serializers.CharField(min_length=4, max_length=4000)


class CorrectionProgress(serializers.Serializer[object]):
    number = serializers.CharField()
    dataset = serializers.CharField()
    row = serializers.CharField()
    column = serializers.CharField()
    state = serializers.CharField()
    asked_at = serializers.DateTimeField()
    due_at = serializers.DateTimeField(allow_null=True)
    reason = serializers.CharField(allow_blank=True)
    delivery = serializers.IntegerField(allow_null=True)


class CorrectionRefusal(serializers.Serializer[object]):
    code = serializers.CharField()
    detail = serializers.CharField()
