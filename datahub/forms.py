"""The upload."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from .models import Dataset

MAX_UPLOAD = 2 * 1024**3


class UploadForm(forms.Form):
    """A file for one dataset; its kind is found by content, whatever its name says."""

    file = forms.FileField(
        label=_("File"),
        help_text=_("CSV (also .gz), XLSX, JSON lines (also .gz) or Parquet, up to 2 GiB."),
        widget=forms.ClearableFileInput(attrs={"class": "form-control", "data-test": "upload-file"}),
    )
    mapping = forms.ChoiceField(
        label=_("Column mapping"),
        required=False,
        widget=forms.Select(attrs={"class": "form-select", "data-test": "upload-mapping"}),
    )
    period = forms.CharField(
        label=_("Period or batch"),
        required=False,
        max_length=80,
        help_text=_("The source's own name for it. The same file under the same name counts once."),
        widget=forms.TextInput(attrs={"class": "form-control", "data-test": "upload-period"}),
    )
    history = forms.BooleanField(
        label=_("Treat as history: raises trial alerts only"),
        required=False,
        widget=forms.CheckboxInput(attrs={"class": "form-check-input", "data-test": "upload-history"}),
    )

    def __init__(self, dataset: Dataset, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = [mapping.name for mapping in dataset.mappings.all()]
        field = self.fields["mapping"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", _("Find by the header")), *((name, name) for name in names)]

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > MAX_UPLOAD:
            raise forms.ValidationError(
                _("The file is larger than 2 GiB; please split it."), code="too_large"
            )
        return file
