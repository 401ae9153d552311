"""What the share API says, for its schema."""

from rest_framework import serializers


class SharedRows(serializers.Serializer[object]):
    dataset = serializers.CharField()
    version = serializers.IntegerField(allow_null=True)
    count = serializers.IntegerField()
    next = serializers.CharField(allow_null=True, help_text="Cursor of the next page; null at the end.")
    resume = serializers.CharField(help_text="Cursor to come back with later, for what is new by then.")
    rows = serializers.ListField(child=serializers.DictField())


class ShareRefusal(serializers.Serializer[object]):
    code = serializers.CharField()
    detail = serializers.CharField()


class SharedColumn(serializers.Serializer[object]):
    code = serializers.CharField()
    kind = serializers.CharField()
    name = serializers.CharField()
    name_en = serializers.CharField()
    unit = serializers.CharField()
    masked = serializers.BooleanField()


class SharedDataset(serializers.Serializer[object]):
    code = serializers.CharField()
    name = serializers.CharField()
    name_en = serializers.CharField()
    summary = serializers.CharField()
    provider = serializers.CharField()
    agreement = serializers.CharField()
    expires_at = serializers.DateTimeField()
    declaration = serializers.DictField()
    columns = SharedColumn(many=True)


class SharedCatalogue(serializers.Serializer[object]):
    datasets = SharedDataset(many=True)
