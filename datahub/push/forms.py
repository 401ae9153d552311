"""What a steward fills in for keys and subscriptions. The rules themselves are the services'."""

from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from city.selectors import organisations
from commandcenter.core.times import SHANGHAI
from datahub.models import Dataset
from datahub.states import DatasetStatus

from .models import Subscription
from .services.keys import MOST_ROWS_PER_MINUTE, ROWS_PER_MINUTE
from .states import Payload, Protocol

TEXT = {"class": "form-control"}
SELECT = {"class": "form-select"}


def datasets_of(user: Any) -> list[tuple[str, str]]:
    found = Dataset.objects.visible_to(user).exclude(status=DatasetStatus.RETIRED).order_by("domain", "code")
    return [(one.code, f"{one.title} · {one.code}") for one in found]


class KeyForm(forms.Form):
    name = forms.CharField(
        label=_("Name"),
        max_length=80,
        help_text=_("Which system pushes."),
        widget=forms.TextInput(attrs=TEXT),
    )
    org_code = forms.ChoiceField(label=_("Organisation"), widget=forms.Select(attrs=SELECT))
    dataset_codes = forms.MultipleChoiceField(
        label=_("Datasets"),
        help_text=_("Several with Ctrl."),
        widget=forms.SelectMultiple(attrs={**SELECT, "size": 8}),
    )
    rows_per_minute = forms.IntegerField(
        label=_("Rows a minute at most"),
        min_value=1,
        max_value=MOST_ROWS_PER_MINUTE,
        initial=ROWS_PER_MINUTE,
        widget=forms.NumberInput(attrs=TEXT),
    )
    until = forms.DateField(
        label=_("Until"),
        required=False,
        help_text=_("Empty: until it is stopped."),
        widget=forms.DateInput(attrs={"type": "date", **TEXT}, format="%Y-%m-%d"),
    )

    def __init__(self, user: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["org_code"].choices = [(one.code, one.name) for one in organisations()]  # type: ignore[attr-defined]
        self.fields["dataset_codes"].choices = datasets_of(user)  # type: ignore[attr-defined]

    def values(self) -> dict[str, Any]:
        until = self.cleaned_data["until"]
        end = datetime.combine(until + timedelta(days=1), time(), SHANGHAI) if until else None
        return {**self.cleaned_data, "until": end}


class StopForm(forms.Form):
    reason = forms.CharField(
        label=pgettext_lazy("sharing", "Reason"), max_length=200, widget=forms.TextInput(attrs=TEXT)
    )


class SubscriptionForm(forms.Form):
    """The settings, and beside them one field for each column of the dataset."""

    name = forms.CharField(label=_("Name"), max_length=80, widget=forms.TextInput(attrs=TEXT))
    host = forms.CharField(
        label=_("Broker"),
        max_length=253,
        help_text=_("It has to be on the list of allowed addresses."),
        widget=forms.TextInput(attrs={**TEXT, "autocomplete": "off"}),
    )
    port = forms.IntegerField(
        label=_("Port"), min_value=1, max_value=65535, initial=1883, widget=forms.NumberInput(attrs=TEXT)
    )
    protocol = forms.ChoiceField(
        label=_("Protocol"), choices=Protocol.choices, initial=Protocol.V5, widget=forms.Select(attrs=SELECT)
    )
    tls = forms.BooleanField(
        label=_("Encrypted (TLS)"),
        required=False,
        widget=forms.CheckboxInput(attrs={"class": "form-check-input"}),
    )
    username = forms.CharField(
        label=_("User name"),
        required=False,
        max_length=120,
        widget=forms.TextInput(attrs={**TEXT, "autocomplete": "off"}),
    )
    secret = forms.CharField(
        label=_("Password"),
        required=False,
        max_length=300,
        strip=False,
        widget=forms.PasswordInput(attrs={**TEXT, "autocomplete": "new-password"}),
    )
    topic = forms.CharField(
        label=_("Topic"),
        max_length=300,
        help_text=_("+ stands for one level, # for all that follow."),
        widget=forms.TextInput(attrs=TEXT),
    )
    payload = forms.ChoiceField(
        label=_("Messages hold"), choices=Payload.choices, widget=forms.Select(attrs=SELECT)
    )
    away_after_s = forms.IntegerField(
        label=_("Report the broker's absence after (seconds)"),
        min_value=10,
        initial=120,
        widget=forms.NumberInput(attrs=TEXT),
    )
    take_retained = forms.BooleanField(
        label=_("Take retained messages as readings"),
        required=False,
        widget=forms.CheckboxInput(attrs={"class": "form-check-input"}),
    )
    ca_pem = forms.CharField(
        label=_("Own certificate authority (PEM)"),
        required=False,
        widget=forms.Textarea(attrs={**TEXT, "rows": 2}),
    )

    def __init__(self, dataset: Dataset, *args: Any, sub: Subscription | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sub = sub
        self.columns = list(dataset.columns.all())
        for column in self.columns:
            self.fields[f"map_{column.code}"] = forms.CharField(
                label=f"{column.title} · {column.code}",
                required=False,
                max_length=200,
                initial=sub.mapping.get(column.code, "") if sub else f"$.{column.code}",
                widget=forms.TextInput(attrs={**TEXT, "list": "sources-known", "autocomplete": "off"}),
            )
        if sub is not None:
            for name in self.base_fields:
                if name != "secret":
                    self.initial.setdefault(name, getattr(sub, name))
            if sub.secret:
                self.fields["secret"].help_text = _("Set. Empty: it stays as it is.")

    def settings(self) -> list[Any]:
        return [self[name] for name in self.base_fields]

    def mapping(self) -> list[tuple[Any, Any]]:
        return [(column, self[f"map_{column.code}"]) for column in self.columns]

    def values(self) -> dict[str, Any]:
        data = self.cleaned_data
        secret = data["secret"] or (None if self.sub is not None else "")
        own = {name: data[name] for name in self.base_fields if name != "secret"}
        return {**own, "secret": secret, "mapping": {c.code: data[f"map_{c.code}"] for c in self.columns}}

    def add_problems(self, problems: Any) -> None:
        """Each where it belongs."""
        for problem in problems:
            name = problem.field if problem.field in self.fields else f"map_{problem.field}"
            self.add_error(name if name in self.fields else None, problem.reason)
