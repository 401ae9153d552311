"""Forms of the device pages: they read, the services decide."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from commandcenter.core import clock
from commandcenter.core.times import SHANGHAI

from .states import DeviceKind


class LocalMoment(forms.DateTimeField):
    """A moment as the browser's own field gives it, in Shanghai time."""

    def __init__(self, **more: Any) -> None:
        widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
        super().__init__(widget=widget, input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"], **more)


class MaintenanceForm(forms.Form):
    owner_code = forms.ChoiceField(label=_("Owner"))
    area_code = forms.ChoiceField(label=_("Area"), required=False)
    kind = forms.ChoiceField(label=_("Kind"), required=False)
    starts_at = LocalMoment(label=_("From"))
    ends_at = LocalMoment(label=_("Until"))
    reason = forms.CharField(label=_("Reason"), max_length=200)

    def __init__(
        self, owners: list[tuple[str, str]], areas: list[tuple[str, str]], *args: Any, **more: Any
    ) -> None:
        super().__init__(*args, **more)
        every = ("", _("all"))
        self.fields["owner_code"].choices = owners  # type: ignore[attr-defined]
        self.fields["area_code"].choices = [every, *areas]  # type: ignore[attr-defined]
        self.fields["kind"].choices = [every, *DeviceKind.choices]  # type: ignore[attr-defined]
        now = clock.now().astimezone(SHANGHAI).replace(second=0, microsecond=0)
        self.fields["starts_at"].initial = now + timedelta(minutes=1)
        self.fields["ends_at"].initial = now + timedelta(hours=2)


class KeyForm(forms.Form):
    name = forms.CharField(label=_("Who will send"), max_length=80)
    owner_code = forms.ChoiceField(label=_("Devices of"), required=False)

    def __init__(self, owners: list[tuple[str, str]], *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["owner_code"].choices = [("", _("all owners")), *owners]  # type: ignore[attr-defined]


class FeedForm(forms.Form):
    dataset = forms.ChoiceField(label=_("Dataset of readings"))

    def __init__(self, datasets: list[tuple[str, str]], *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["dataset"].choices = datasets  # type: ignore[attr-defined]


def aware(moment: datetime) -> datetime:
    """The form reads in the active zone; make sure of it."""
    return moment if moment.tzinfo else moment.replace(tzinfo=SHANGHAI)
