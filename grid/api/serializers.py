from __future__ import annotations

from rest_framework import serializers

from ..models import EventKind, Report


class EventKindOut(serializers.ModelSerializer[EventKind]):
    class Meta:
        model = EventKind
        fields = ("code", "name", "name_en", "group", "class_name", "function", "sla", "urgency")


class ReportOut(serializers.ModelSerializer[Report]):
    kind = serializers.CharField(source="kind.code")
    kind_name = serializers.CharField(source="kind.name")
    org_code = serializers.CharField(source="org.code", default="")

    class Meta:
        model = Report
        fields = (
            "id",
            "number",
            "kind",
            "kind_name",
            "title",
            "content",
            "place",
            "area_code",
            "state",
            "org_code",
            "order_ref",
            "happened_at",
            "reported_at",
            "closed_at",
        )


class ReportIn(serializers.Serializer[Report]):
    """client_uuid: the same one again gives the same report. lon, lat: WGS-84 degrees."""

    client_uuid = serializers.UUIDField()
    kind = serializers.CharField(max_length=12)
    content = serializers.CharField(max_length=2_000, required=False, allow_blank=True, default="")
    lon = serializers.FloatField(required=False, allow_null=True, default=None, min_value=-180, max_value=180)
    lat = serializers.FloatField(required=False, allow_null=True, default=None, min_value=-90, max_value=90)
    accuracy_m = serializers.FloatField(required=False, allow_null=True, default=None, min_value=0)
    area_code = serializers.CharField(max_length=16, required=False, allow_blank=True, default="")
    place = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")
    happened_at = serializers.DateTimeField(required=False, allow_null=True, default=None)
    solved = serializers.BooleanField(required=False, default=False)
    solved_note = serializers.CharField(max_length=2_000, required=False, allow_blank=True, default="")
    photo = serializers.FileField(required=False, allow_null=True, default=None)
