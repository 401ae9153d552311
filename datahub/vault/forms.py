"""What the steward is asked before a personal value is opened, or a person erased."""

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from commandcenter.core.refs import parse_ref

from .states import Ground


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


class AskForm(forms.Form):
    """values: kept encrypted until the request is closed; never put into an address."""

    prefix = "erase"

    values = forms.CharField(
        label=_("What the person is known by"),
        max_length=2_000,
        help_text=_("One value on each line: telephone, identity number, name, address."),
        widget=forms.Textarea(
            {"class": "form-control", "rows": 4, "autocomplete": "off", "data-test": "erase-values"}
        ),
    )
    ground = forms.ChoiceField(
        label=pgettext_lazy("erasure", "Ground"),
        choices=Ground.choices,
        widget=forms.Select({"class": "form-select", "data-test": "erase-ground"}),
    )
    reason = forms.CharField(
        label=pgettext_lazy("data", "Reason"), min_length=4, max_length=500, widget=_Text("erase-reason")
    )


class HoldForm(forms.Form):
    prefix = "hold"

    value = forms.CharField(
        label=_("Identity number, telephone or address of the person"),
        max_length=200,
        widget=_Text("hold-value"),
    )
    statute = forms.CharField(
        label=_("Statute that says so"),
        max_length=200,
        help_text=_("Such as: Cybersecurity Law, article 21"),
        widget=_Text("hold-statute"),
    )
    reason = forms.CharField(
        label=pgettext_lazy("data", "Reason"), min_length=4, max_length=500, widget=_Text("hold-reason")
    )
    until = forms.DateField(
        label=_("Until"),
        required=False,
        widget=forms.DateInput({"class": "form-control", "type": "date", "data-test": "hold-until"}),
    )


class DecideForm(forms.Form):
    note = forms.CharField(label=_("Note"), required=False, max_length=500, widget=_Text("decide-note"))
