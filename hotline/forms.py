"""What operators fill in."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from .models import Category
from .states import Channel, RejectGround, RequestType, Satisfied, Solved, TicketState, Urgency


class IntakeForm(forms.Form):
    """The middle of the intake page. What it does follows from what is filled in: see `decision`."""

    caller_phone = forms.CharField(label=_("Phone"), max_length=40, required=False)
    caller_name = forms.CharField(label=_("Name"), max_length=60, required=False)
    channel = forms.ChoiceField(label=_("Channel"), choices=Channel.choices, initial=Channel.PHONE)
    title = forms.CharField(label=_("What it is about, in one sentence"), max_length=200)
    content = forms.CharField(
        label=_("What the caller says"), max_length=10_000, widget=forms.Textarea(attrs={"rows": 6})
    )
    address = forms.CharField(label=_("Where"), max_length=300, required=False)
    area = forms.CharField(max_length=16, required=False, widget=forms.HiddenInput)
    lon = forms.FloatField(label=_("Longitude"), min_value=-180, max_value=180, required=False)
    lat = forms.FloatField(label=_("Latitude"), min_value=-90, max_value=90, required=False)
    category = forms.CharField(max_length=4, required=False, widget=forms.HiddenInput)
    request_type = forms.ChoiceField(label=_("Type"), choices=RequestType.choices, initial=RequestType.HELP)
    urgency = forms.ChoiceField(label=_("Urgency"), choices=Urgency.choices, initial=Urgency.NORMAL)
    event_time = forms.DateTimeField(
        label=_("When it happened"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    org = forms.IntegerField(required=False, widget=forms.HiddenInput)
    accused_org = forms.IntegerField(required=False, widget=forms.HiddenInput)
    reply = forms.CharField(
        label=_("Answer given to the caller"),
        max_length=10_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    ground = forms.ChoiceField(
        label=_("Not accepted because"), choices=[("", "—"), *RejectGround.choices], required=False
    )
    confidential = forms.BooleanField(label=_("Keep secret"), required=False)
    anonymous = forms.BooleanField(label=_("Anonymous"), required=False)
    no_contact = forms.BooleanField(label=_("Does not want a call back"), required=False)
    is_whistleblow = forms.BooleanField(label=_("Whistle-blowing"), required=False)
    vulnerable = forms.BooleanField(label=_("Needs special care"), required=False)
    is_enterprise = forms.BooleanField(label=_("For an enterprise"), required=False)
    suggested = forms.CharField(required=False, max_length=400, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if (data.get("lon") is None) != (data.get("lat") is None):
            self.add_error("lat", _("Longitude and latitude belong together."))
        return data

    def decision(self) -> str:
        """A ground refuses, an answer answers, a unit gets it; with none of them the dispatchers do."""
        data = self.cleaned_data
        if data["ground"]:
            return "reject"
        if data["reply"].strip():
            return "answer"
        return "dispatch" if data["org"] else "queue"

    def fields_of_ticket(self) -> dict[str, Any]:
        data = self.cleaned_data
        copied = [
            "caller_phone",
            "caller_name",
            "channel",
            "title",
            "content",
            "address",
            "request_type",
            "urgency",
            "event_time",
            "confidential",
            "anonymous",
            "is_whistleblow",
            "vulnerable",
            "is_enterprise",
        ]
        has_point = data["lon"] is not None
        return {
            **{name: data[name] for name in copied},
            "area_code": data["area"],
            "category_code": data["category"],
            "location": (data["lon"], data["lat"]) if has_point else None,
            "contact_allowed": not data["no_contact"],
            "accused_org_id": data["accused_org"],
        }


class CallBackForm(forms.Form):
    contacted = forms.TypedChoiceField(
        label=pgettext_lazy("call-back", "Reached"),
        choices=[("1", pgettext_lazy("call-back", "Reached")), ("0", _("Not reached"))],
        coerce=lambda value: value == "1",
        widget=forms.RadioSelect,
    )
    solved = forms.ChoiceField(
        label=_("Is it solved?"), choices=Solved.choices, widget=forms.RadioSelect, required=False
    )
    satisfied = forms.ChoiceField(
        label=_("How satisfied?"), choices=Satisfied.choices, widget=forms.RadioSelect, required=False
    )
    note = forms.CharField(
        label=_("What the caller says"),
        max_length=2_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class FilterForm(forms.Form):
    """Filters of the ticket list; a value that makes no sense is left out, not an error."""

    q = forms.CharField(label=_("Search"), max_length=60, required=False)
    state = forms.ChoiceField(
        label=_("State"), choices=[("", _("All")), *TicketState.choices], required=False
    )
    category = forms.ChoiceField(label=_("Category"), required=False)
    request_type = forms.ChoiceField(
        label=_("Type"), choices=[("", _("All")), *RequestType.choices], required=False
    )
    channel = forms.ChoiceField(
        label=_("Channel"), choices=[("", _("All")), *Channel.choices], required=False
    )
    since = forms.DateField(
        label=_("Taken from"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    until = forms.DateField(
        label=_("Taken until"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    source = forms.ChoiceField(
        label=_("Where it comes from"),
        choices=[("live", _("Taken here")), ("imported", _("Imported")), ("", _("All"))],
        required=False,
    )
    area = forms.CharField(max_length=16, required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        tops = Category.objects.filter(parent=None, active=True).values_list("code", "name")
        self.fields["category"].choices = [("", _("All")), *tops]  # type: ignore[attr-defined]
