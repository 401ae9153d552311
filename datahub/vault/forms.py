"""What the steward is asked before a personal value is opened, or a person erased."""

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from commandcenter.core.refs import parse_ref


class _Text(forms.TextInput):
    """Nothing typed here is kept by the browser."""

    def __init__(self, test: str) -> None:
        super().__init__({"class": "form-control", "autocomplete": "off", "data-test": test})


class OpenForm(forms.Form):
    ref = forms.CharField(
        label=_("Row"),
        max_length=80,
        help_text=_("Delivery and row, as the trace page names them: 12:345"),
        widget=_Text("open-ref"),
    )
    reason = forms.CharField(
        label=pgettext_lazy("data", "Reason"),
        min_length=4,
        max_length=500,
        help_text=_("It is written to the audit log beside your name."),
        widget=_Text("open-reason"),
    )

    def clean_ref(self) -> tuple[int, int]:
        text = self.cleaned_data["ref"].strip()
        try:
            kind, parts = parse_ref(text if text.startswith("datahub.row:") else f"datahub.row:{text}")
            delivery, row = (int(part) for part in parts)
        except ValueError as error:
            raise forms.ValidationError(_("Please write delivery and row, such as 12:345.")) from error
        if kind != "datahub.row":
            raise forms.ValidationError(_("Please write delivery and row, such as 12:345."))
        return delivery, row


class EraseForm(forms.Form):
    """value: never kept, nor put into an address."""

    prefix = "erase"

    value = forms.CharField(
        label=_("Identity number, telephone or another value of the person"),
        max_length=200,
        widget=_Text("erase-value"),
    )
    reason = forms.CharField(
        label=pgettext_lazy("data", "Reason"), min_length=4, max_length=500, widget=_Text("erase-reason")
    )
    confirm = forms.BooleanField(
        label=_("I know that this cannot be undone"),
        required=False,
        widget=forms.CheckboxInput(attrs={"class": "form-check-input", "data-test": "erase-confirm"}),
    )
