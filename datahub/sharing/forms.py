"""What a person fills in. The rules themselves are the services'."""

from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from city.selectors import organisation
from commandcenter.core import clock
from commandcenter.core.times import SHANGHAI, shanghai_day
from datahub.models import Dataset
from datahub.selectors import spec_for

from .models import Agreement
from .states import MaskRule
from .terms import AREA, mask_choices

CONDITIONS = 3
OP_LABELS = [
    ("eq", _("equals")),
    ("ne", _("differs from")),
    ("ge", _("is at least")),
    ("le", _("is at most")),
    ("gt", _("is more than")),
    ("lt", _("is less than")),
    ("in", _("is one of (with commas)")),
    ("prefix", _("begins with")),
    ("not_null", _("is present")),
]


def words(label: Any, *, required: bool = True, hint: Any = "", rows: int = 3) -> forms.CharField:
    return forms.CharField(
        label=label,
        required=required,
        max_length=2000,
        help_text=hint,
        widget=forms.Textarea(attrs={"rows": rows, "class": "form-control"}),
    )


def end_of(day: Any) -> datetime:
    """The end of a Shanghai day."""
    return datetime.combine(day + timedelta(days=1), time(), SHANGHAI)


class NoteForm(forms.Form):
    note = words(_("Note"), required=False, rows=2)


class ReasonForm(forms.Form):
    note = words(pgettext_lazy("sharing", "Reason"), rows=2)


class TermsForm(forms.Form):
    """Columns, up to three conditions on rows, calls a day, end: what both sides fill in."""

    def __init__(self, dataset: Dataset, *args: Any, columns: list[str] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.dataset = dataset
        self.spec = spec_for(dataset)
        offered = [c for c in dataset.columns.all() if columns is None or c.code in columns]
        self.fields["columns"] = forms.MultipleChoiceField(
            label=_("Columns"),
            choices=[(c.code, f"{c.title} · {c.code}") for c in offered],
            initial=[c.code for c in offered if not c.personal],
            widget=forms.CheckboxSelectMultiple(),
        )
        names = [("", "—"), (AREA.code, _("Area (code begins with)")), *((c.code, c.title) for c in offered)]
        for n in range(1, CONDITIONS + 1):
            named = _("Rows, condition %(n)s") % {"n": n}  # the three stand side by side under one heading
            self.fields[f"column_{n}"] = forms.ChoiceField(
                label=named,
                choices=names,
                required=False,
                widget=forms.Select(
                    attrs={"class": "form-select", "data-test": f"column-{n}", "aria-label": named}
                ),
            )
            self.fields[f"op_{n}"] = forms.ChoiceField(
                label=_("Comparison"),
                choices=OP_LABELS,
                required=False,
                widget=forms.Select(
                    attrs={"class": "form-select", "aria-label": f"{named}: {_('Comparison')}"}
                ),
            )
            self.fields[f"value_{n}"] = forms.CharField(
                label=pgettext_lazy("data", "value"),
                required=False,
                max_length=200,
                widget=forms.TextInput(
                    attrs={
                        "class": "form-control",
                        "aria-label": f"{named}: {pgettext_lazy('data', 'value')}",
                    }
                ),
            )
        self.fields["quota_calls"] = forms.IntegerField(
            label=_("Calls a day at most"),
            required=False,
            min_value=1,
            max_value=10_000_000,
            widget=forms.NumberInput(attrs={"class": "form-control"}),
        )
        self.fields["until"] = forms.DateField(
            label=_("Until"),
            initial=shanghai_day(clock.now()) + timedelta(days=365),
            widget=forms.DateInput(attrs={"type": "date", "class": "form-control"}, format="%Y-%m-%d"),
        )

    def conditions(self) -> list[dict[str, Any]]:
        found = []
        for n in range(1, CONDITIONS + 1):
            column, op = self.cleaned_data[f"column_{n}"], self.cleaned_data[f"op_{n}"] or "eq"
            value: Any = self.cleaned_data[f"value_{n}"].strip()
            if not column:
                continue
            if column == AREA.code:
                op = "prefix"
            if op == "in":
                value = [part.strip() for part in value.replace("，", ",").split(",") if part.strip()]
            found.append({"column": column, "op": op, "value": None if op == "not_null" else value})
        return found

    def terms(self) -> dict[str, Any]:
        return {
            "columns": self.cleaned_data["columns"],
            "row_filter": self.conditions(),
            "quota_calls": self.cleaned_data["quota_calls"],
            "until": end_of(self.cleaned_data["until"]),
        }


class ApplyForm(TermsForm):
    """An application for a dataset, for one of the organisations that one speaks for."""

    field_order = ["org_code", "purpose", "legal_basis", "columns"]

    def __init__(self, dataset: Dataset, orgs: list[str], *args: Any, **kwargs: Any) -> None:
        super().__init__(dataset, *args, **kwargs)
        named = [(code, getattr(organisation(code), "name", code)) for code in sorted(orgs)]
        self.fields["org_code"] = forms.ChoiceField(
            label=pgettext_lazy("sharing", "For"),
            choices=named,
            widget=forms.Select(attrs={"class": "form-select"}),
        )
        self.fields["purpose"] = words(
            _("Purpose"), hint=_("Data may not be used beyond it nor be passed on.")
        )
        self.fields["legal_basis"] = words(_("Legal basis"), rows=2)
        self.order_fields(self.field_order)


class CompleteForm(forms.Form):
    """The applicant mends what was sent back."""

    def __init__(self, agreement: Agreement, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        columns = list(agreement.dataset.columns.all())
        self.fields["purpose"] = words(_("Purpose"))
        self.fields["legal_basis"] = words(_("Legal basis"), rows=2)
        self.fields["columns"] = forms.MultipleChoiceField(
            label=_("Columns"),
            choices=[(c.code, f"{c.title} · {c.code}") for c in columns],
            widget=forms.CheckboxSelectMultiple(),
        )
        self.initial = {
            "purpose": agreement.purpose,
            "legal_basis": agreement.legal_basis,
            "columns": agreement.columns,
        }


class GrantForm(TermsForm):
    """The provider's decision: never more than was asked, masks on top."""

    def __init__(self, agreement: Agreement, *args: Any, **kwargs: Any) -> None:
        super().__init__(agreement.dataset, *args, columns=agreement.columns, **kwargs)
        self.fields["columns"].initial = agreement.columns
        self.fields["quota_calls"].initial = agreement.quota_calls
        if agreement.asked_until:
            self.fields["until"].initial = shanghai_day(agreement.asked_until - timedelta(seconds=1))
        self.mask_names = []
        for column in self.spec.columns:
            if column.code in agreement.columns and column.kind == "text":
                name = f"mask_{column.code}"
                self.mask_names.append(name)
                self.fields[name] = forms.ChoiceField(
                    label=_("Mask of %(column)s") % {"column": column.name},
                    choices=[
                        ("", _("by the catalogue")),
                        *((rule, MaskRule(rule).label) for rule in mask_choices(self.spec, column.code)),
                    ],
                    required=False,
                    widget=forms.Select(attrs={"class": "form-select"}),
                )
        self.fields["note"] = words(_("Note"), required=False, rows=2)

    def terms(self) -> dict[str, Any]:
        masks = {
            name.removeprefix("mask_"): self.cleaned_data[name]
            for name in self.mask_names
            if self.cleaned_data[name]
        }
        return {**super().terms(), "masking": masks, "note": self.cleaned_data["note"]}


class WebhookForm(forms.Form):
    url = forms.URLField(
        label=_("Address"),
        assume_scheme="https",
        help_text=_("It has to be on the list of allowed addresses. Each batch is signed with HMAC-SM3."),
        widget=forms.URLInput(attrs={"class": "form-control"}),
    )


class FileDropForm(forms.Form):
    form = forms.ChoiceField(
        label=_("Format"),
        choices=[("csv", "CSV"), ("parquet", "Parquet"), ("json", "JSON")],
        widget=forms.Select(attrs={"class": "form-select"}),
    )


class YieldForm(forms.Form):
    title = forms.CharField(
        label=_("What it produced"),
        max_length=200,
        widget=forms.TextInput(attrs={"class": "form-control"}),
    )
    amount = forms.DecimalField(
        label=_("Amount"),
        required=False,
        max_digits=18,
        decimal_places=2,
        widget=forms.NumberInput(attrs={"class": "form-control"}),
    )
    unit = forms.CharField(
        label=_("Unit of measure"),
        required=False,
        max_length=20,
        widget=forms.TextInput(attrs={"class": "form-control"}),
    )
