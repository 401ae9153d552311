from __future__ import annotations

from typing import Any

from rest_framework import serializers

from ..models import Alert, AlertEvidence, Detector
from ..states import Verdict


class EvidenceOut(serializers.ModelSerializer[AlertEvidence]):
    class Meta:
        model = AlertEvidence
        fields = ("row_ref", "role", "value", "measure", "at")


class AlertOut(serializers.ModelSerializer[Alert]):
    detector_code = serializers.CharField(source="detector.code")
    receiver_code = serializers.CharField(source="receiver.code", default="")

    class Meta:
        model = Alert
        fields: tuple[str, ...] = (
            "id", "number", "detector_code", "version", "subject", "title", "level", "state", "verdict",
            "trial", "area_code", "receiver_code", "order_ref", "value", "peak", "unit", "started_at",
            "raised_at", "cleared_at", "resolved_at",
        )  # fmt: skip


class AlertDetailOut(AlertOut):
    evidence = EvidenceOut(many=True)

    class Meta(AlertOut.Meta):
        fields: tuple[str, ...] = (*AlertOut.Meta.fields, "evidence")


class VerdictIn(serializers.Serializer[Any]):
    verdict = serializers.ChoiceField(choices=Verdict.choices)
    note = serializers.CharField(required=False, allow_blank=True, default="", max_length=1_000)


class ResolveIn(serializers.Serializer[Any]):
    note = serializers.CharField(required=False, allow_blank=True, default="", max_length=1_000)


class DetectorOut(serializers.ModelSerializer[Detector]):
    class Meta:
        model = Detector
        fields = (
            "code", "pack", "name", "name_en", "pattern", "dataset_code", "params", "function", "state",
            "version", "health", "health_since", "health_reason", "last_run_at", "privacy_class",
        )  # fmt: skip
