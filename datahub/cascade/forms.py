"""A peer, and which of its datasets come here."""

from django import forms
from django.utils.translation import gettext_lazy as _

from .states import Direction, PeerLevel

TEXT = {"class": "form-control"}


class PeerForm(forms.Form):
    code = forms.SlugField(label=_("Code"), max_length=40, widget=forms.TextInput(attrs=TEXT))
    name = forms.CharField(label=_("Name"), max_length=80, widget=forms.TextInput(attrs=TEXT))
    level = forms.ChoiceField(
        label=_("Level"), choices=PeerLevel.choices, widget=forms.Select(attrs={"class": "form-select"})
    )
    url = forms.URLField(
        label=_("Address"),
        assume_scheme="https",
        help_text=_("It has to be on the list of allowed addresses."),
        widget=forms.URLInput(attrs=TEXT),
    )
    token = forms.CharField(
        label=_("Token that they gave us"),
        required=False,
        max_length=200,
        widget=forms.PasswordInput(attrs={**TEXT, "autocomplete": "off"}),
    )


class RouteForm(forms.Form):
    peer_id = forms.IntegerField()
    remote_code = forms.CharField(max_length=80)
    direction = forms.ChoiceField(choices=Direction.choices)
    local_code = forms.CharField(max_length=80, required=False)
