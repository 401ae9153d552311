"""What the API shows of the catalogue and of deliveries."""

from rest_framework import serializers

from datahub.models import Column, Dataset, Delivery, Reject


class ColumnOut(serializers.ModelSerializer[Column]):
    class Meta:
        model = Column
        fields = ["code", "kind", "name", "name_en", "unit", "required", "personal", "grade", "summary"]


class DatasetOut(serializers.ModelSerializer[Dataset]):
    class Meta:
        model = Dataset
        fields = [
            "code",
            "name",
            "name_en",
            "summary",
            "domain",
            "provider",
            "area_code",
            "privacy_class",
            "share_type",
            "open_type",
            "update_cycle",
            "lateness_limit",
            "time_column",
            "subject_column",
            "key_columns",
            "status",
            "fresh_at",
        ]


class DatasetDetail(DatasetOut):
    columns = ColumnOut(many=True, read_only=True)

    class Meta(DatasetOut.Meta):
        fields = [*DatasetOut.Meta.fields, "columns"]


class DeliveryOut(serializers.ModelSerializer[Delivery]):
    dataset = serializers.SlugRelatedField(slug_field="code", read_only=True)  # type: ignore[var-annotated]

    class Meta:
        model = Delivery
        fields = [
            "id",
            "dataset",
            "state",
            "source",
            "file_name",
            "mapping",
            "period",
            "digest",
            "same_as",
            "is_history",
            "rows_read",
            "rows_in",
            "rows_committed",
            "rows_rejected",
            "rows_live",
            "reason",
            "detail",
            "fault_row",
            "fault_column",
            "notes",
            "checks",
            "repeats",
            "lake_version",
            "received_at",
            "finished_at",
            "tapped_at",
        ]


class RejectOut(serializers.ModelSerializer[Reject]):
    class Meta:
        model = Reject
        fields = ["row_number", "column", "reason", "detail", "raw", "others", "row"]
