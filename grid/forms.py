"""What a phone sends, as text, into what the service takes."""

from __future__ import annotations

from typing import Any

from django import forms

from .photos import MOST_BYTES


class ReportForm(forms.Form):
    client_uuid = forms.UUIDField()
    kind = forms.CharField(max_length=12)
    content = forms.CharField(max_length=2_000, required=False)
    lon = forms.FloatField(required=False, min_value=-180, max_value=180)
    lat = forms.FloatField(required=False, min_value=-90, max_value=90)
    accuracy_m = forms.FloatField(required=False, min_value=0)
    area_code = forms.CharField(max_length=16, required=False)
    place = forms.CharField(max_length=200, required=False)
    happened_at = forms.DateTimeField(
        required=False, input_formats=["%Y-%m-%dT%H:%M:%S.%f%z", "%Y-%m-%dT%H:%M:%S%z"]
    )
    solved = forms.BooleanField(required=False)
    solved_note = forms.CharField(max_length=2_000, required=False)
    photo = forms.FileField(required=False, max_length=200)

    def arguments(self) -> dict[str, Any]:
        """Keyword arguments of services.report_event. Reads no more of a photo than may be taken."""
        data = dict(self.cleaned_data)
        data["kind_code"] = data.pop("kind")
        photo = data.pop("photo")
        data["photo"] = photo.read(MOST_BYTES + 1) if photo else None
        return data
