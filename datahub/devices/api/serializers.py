"""What the heartbeat API takes and says, for its schema. Reading is by hand: see `reading.py`."""

from rest_framework import serializers


class HeartbeatIn(serializers.Serializer[object]):
    code = serializers.CharField(max_length=40, help_text="Of the register; 20 digits for a camera.")
    at = serializers.DateTimeField(
        required=False, help_text="What the sender's clock said when it heard the device. Only for its skew."
    )
    trouble = serializers.CharField(
        required=False,
        max_length=40,
        allow_blank=True,
        help_text="What the device says is wrong with itself; empty or absent: nothing.",
    )


class HeartbeatBatch(serializers.Serializer[object]):
    beats = serializers.ListField(child=HeartbeatIn(), min_length=1, max_length=5_000)
    sent_at = serializers.DateTimeField(
        required=False,
        help_text="The sender's clock as it sends. With it, `at` of a beat tells how long it was held back.",
    )


class HeartbeatAnswer(serializers.Serializer[object]):
    accepted = serializers.IntegerField(help_text="Devices noted.")
    unknown_count = serializers.IntegerField(
        help_text="Codes that are no device, or not of this key's owner."
    )
    unknown = serializers.ListField(child=serializers.CharField(), help_text="The first hundred of them.")
    at = serializers.DateTimeField(help_text="The server's clock.")
