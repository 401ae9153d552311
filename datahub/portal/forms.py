"""What the public and the steward fill in."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from .states import Applicant


class AskForm(forms.Form):
    title = forms.CharField(label=_("Which data do you need?"), max_length=120)
    purpose = forms.CharField(
        label=_("What for?"),
        max_length=2_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Please write no names, telephone or identity numbers; they are not needed."),
    )
    applicant = forms.ChoiceField(label=_("Who asks?"), choices=Applicant.choices)
    # People do not see this field; programs that fill in everything do.
    website = forms.CharField(
        required=False, widget=forms.TextInput(attrs={"tabindex": "-1", "autocomplete": "off"})
    )

    def is_machine(self) -> bool:
        return bool(self.data.get("website"))


class LookUpForm(forms.Form):
    number = forms.CharField(
        label=_("Number"),
        max_length=24,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    code = forms.CharField(
        label=_("Code of the request"),
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


class AnswerForm(forms.Form):
    action = forms.ChoiceField(choices=[(one, one) for one in ("accept", "open", "decline")])
    dataset_code = forms.CharField(label=_("Code of the open dataset"), max_length=80, required=False)
    note = forms.CharField(
        label=_("Answer, as the person who asked reads it"),
        max_length=2_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
    )

    def values(self) -> dict[str, Any]:
        given = self.cleaned_data
        chosen = {"note": given["note"]}
        if given["action"] == "open":
            chosen["dataset_code"] = given["dataset_code"].strip()
        return chosen
