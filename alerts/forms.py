"""Filters and forms of the alert pages."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from .models import Detector
from .states import AlertLevel, AlertState, Verdict

SHOW = [("open", _("Open")), ("all", _("All"))]


class AlertFilter(forms.Form):
    """trial: '' for real alerts, '1' for trials."""

    trial = forms.CharField(required=False, max_length=1)
    show = forms.ChoiceField(label=_("Show"), choices=SHOW, required=False)
    level = forms.TypedChoiceField(
        label=_("Level"),
        choices=[("", _("All levels")), *AlertLevel.choices],
        coerce=int,
        empty_value=None,
        required=False,
    )
    state = forms.ChoiceField(
        label=_("State"), choices=[("", _("All states")), *AlertState.choices], required=False
    )
    detector: forms.ModelChoiceField[Detector] = forms.ModelChoiceField(
        label=_("Detector"),
        queryset=Detector.objects.all(),
        to_field_name="code",
        required=False,
        empty_label=_("All detectors"),
    )
    subject = forms.CharField(label=_("Subject"), max_length=120, required=False)


class VerdictForm(forms.Form):
    verdict = forms.ChoiceField(choices=Verdict.choices)
    note = forms.CharField(max_length=1_000, required=False)


class NoteForm(forms.Form):
    note = forms.CharField(max_length=1_000, required=False)


class ReviseForm(forms.Form):
    """The parameters of a threshold, as a person writes them; the pattern itself checks them."""

    bounds = forms.CharField(
        label=_("Bounds from level 4 to level 1"),
        max_length=200,
        help_text=_("Four numbers or fewer, the mildest first, separated by commas."),
    )
    clear_at = forms.FloatField(label=_("Back to normal at"))
    hold_readings = forms.IntegerField(label=_("Readings in a row"), min_value=1, max_value=1_000)
    hold_minutes = forms.IntegerField(label=_("Minutes they must span"), min_value=0, max_value=60 * 24 * 31)
    cooldown_minutes = forms.IntegerField(
        label=_("Minutes of silence afterwards"), min_value=0, max_value=60 * 24 * 31
    )
    note = forms.CharField(label=_("Reason for the change"), max_length=1_000)

    def params(self, detector: Detector) -> dict[str, Any]:
        """The detector's parameters with what was written here."""
        data = dict(self.cleaned_data)
        bounds = [
            part.strip() for part in data.pop("bounds").replace("，", ",").replace("、", ",").split(",")
        ]
        data.pop("note")
        steps = [{"level": 4 - n, "bound": bound} for n, bound in enumerate(filter(None, bounds))]
        return {**detector.params, **data, "steps": steps}

    @classmethod
    def of(cls, detector: Detector) -> ReviseForm:
        p = detector.parameters
        names = ("hold_readings", "hold_minutes", "cooldown_minutes")
        bounds = ", ".join(f"{step.bound:g}" for step in sorted(p.steps, key=lambda s: -s.level))
        initial = {name: getattr(p, name) for name in names}
        return cls(initial={**initial, "bounds": bounds, "clear_at": p.clears_at})
