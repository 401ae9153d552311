"""The browser's declaration: one form for the dataset, one line for each column of the sample."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django import forms
from django.forms import BaseFormSet, formset_factory
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from city.selectors import organisations
from datahub.portal.licences import LICENCES
from datahub.states import ColumnKind, DataFormat, OpenType, Origin, PrivacyClass, ShareType

from .numbers import DOMAINS
from .proposing import PARTS, Found

MAX_SAMPLE = 200 * 1024**2
MAX_PASTE = 1_000_000
CYCLES = [
    ("", _("irregular")),
    ("1", _("every minute")),
    ("60", _("hourly")),
    ("1440", _("daily")),
    ("10080", _("weekly")),
    ("43200", _("monthly")),
    ("525600", _("yearly")),
]
ZONES = ["Asia/Shanghai", "UTC", "Europe/London", "America/New_York", "America/Chicago", "Asia/Tokyo"]
DATUMS = [("cgcs2000", "CGCS2000"), ("wgs84", "WGS-84 (GPS)"), ("gcj02", _("GCJ-02 (Chinese web maps)"))]
GEOMETRIES = [
    ("point", _("only points; other shapes are rejected")),
    ("centroid", _("the centroid of other shapes")),
]
GRADES = [(grade, grade) for grade in ("L1", "L2", "L3", "L4")]
ROLES = [
    ("", "—"),
    ("time", pgettext_lazy("data", "time of the row")),
    ("subject", pgettext_lazy("data", "subject of the row")),
    ("lon", _("longitude")),
    ("lat", _("latitude")),
]
PART_NAMES = {
    "year": _("Year"),
    "month": _("Month"),
    "day": _("Day"),
    "hour": _("Hour"),
    "minute": _("Minute"),
    "second": _("Second"),
}


def _text(test: str, **attrs: Any) -> forms.TextInput:
    return forms.TextInput(attrs={"class": "form-control", "data-test": test, **attrs})


def _choice(test: str) -> forms.Select:
    return forms.Select(attrs={"class": "form-select", "data-test": test})


def _tick(test: str) -> forms.CheckboxInput:
    return forms.CheckboxInput(attrs={"class": "form-check-input", "data-test": test})


class SampleForm(forms.Form):
    """A sample file, or a header pasted with or without some rows under it."""

    file = forms.FileField(
        label=_("Sample file"),
        required=False,
        help_text=_("CSV (also .gz), XLSX, JSON, GeoJSON (also .gz) or Parquet, up to 200 MiB."),
        widget=forms.ClearableFileInput(attrs={"class": "form-control", "data-test": "sample-file"}),
    )
    header = forms.CharField(
        label=_("Or paste the header"),
        required=False,
        max_length=MAX_PASTE,
        help_text=_("One line of column names, with some rows under it if you have them."),
        widget=forms.Textarea(attrs={"class": "form-control", "rows": 4, "data-test": "sample-header"}),
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        file = data.get("file")
        if not file and not (data.get("header") or "").strip():
            raise forms.ValidationError(_("Please choose a file or paste a header."))
        if file and file.size > MAX_SAMPLE:
            self.add_error("file", _("The sample is larger than 200 MiB; a part of the file is enough."))
        return data


class DatasetForm(forms.Form):
    """What the catalogue says about the dataset, and how its source writes time, place and nothing."""

    code = forms.RegexField(
        r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$",
        label=_("Code"),
        max_length=80,
        help_text=_("Domain and name in Latin letters, such as env.air_quality."),
        widget=_text("dataset-code"),
    )
    name = forms.CharField(label=_("Chinese name"), max_length=200, widget=_text("dataset-name"))
    name_en = forms.CharField(
        label=_("English name"), max_length=200, required=False, widget=_text("dataset-name-en")
    )
    summary = forms.CharField(
        label=pgettext_lazy("data", "Summary"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"class": "form-control", "rows": 2, "data-test": "dataset-summary"}),
    )
    domain = forms.CharField(
        label=_("Domain"), max_length=40, required=False, widget=_text("dataset-domain", list="domains")
    )
    provider = forms.ChoiceField(label=_("Provider"), required=False, widget=_choice("dataset-provider"))
    theme = forms.CharField(label=_("Theme"), max_length=40, required=False, widget=_text("dataset-theme"))
    tags = forms.CharField(
        label=_("Tags"),
        max_length=400,
        required=False,
        help_text=_("Separated by spaces or commas."),
        widget=_text("dataset-tags"),
    )
    origin = forms.ChoiceField(
        label=_("Kind of source"), choices=Origin.choices, widget=_choice("dataset-origin")
    )
    format = forms.ChoiceField(
        label=_("Format"), choices=DataFormat.choices, widget=_choice("dataset-format")
    )
    update_cycle = forms.ChoiceField(
        label=_("Update cycle"), choices=CYCLES, required=False, widget=_choice("dataset-cycle")
    )
    lateness_days = forms.IntegerField(
        label=_("Live up to (days)"),
        min_value=1,
        max_value=3660,
        help_text=_("Rows older than this are history."),
        widget=forms.NumberInput(attrs={"class": "form-control", "data-test": "dataset-lateness"}),
    )
    privacy_class = forms.ChoiceField(
        label=_("Privacy"), choices=PrivacyClass.choices, widget=_choice("dataset-privacy")
    )
    share_type = forms.ChoiceField(
        label=_("Sharing"), choices=ShareType.choices, widget=_choice("dataset-share")
    )
    share_basis = forms.CharField(
        label=_("Legal basis of a condition or refusal"),
        required=False,
        max_length=500,
        widget=_text("dataset-basis"),
    )
    open_type = forms.ChoiceField(
        label=_("Opening"), choices=OpenType.choices, widget=_choice("dataset-open")
    )
    licence = forms.ChoiceField(label=_("Licence"), required=False, widget=_choice("dataset-licence"))
    markers = forms.CharField(
        label=_("Words for a missing value"),
        required=False,
        max_length=200,
        help_text=_("Separated by spaces. An empty field is always missing."),
        widget=_text("dataset-markers"),
    )
    timezone = forms.ChoiceField(
        label=_("Time zone of times without one"),
        choices=[(zone, zone) for zone in ZONES],
        widget=_choice("dataset-zone"),
    )
    datum = forms.ChoiceField(
        label=_("Datum of coordinates"), choices=DATUMS, widget=_choice("dataset-datum")
    )
    composed_code = forms.RegexField(
        r"^[a-z][a-z0-9_]*$",
        label=_("Composed time: code"),
        required=False,
        max_length=55,
        widget=_text("composed-code"),
    )
    composed_name = forms.CharField(
        label=_("Composed time: name"), required=False, max_length=100, widget=_text("composed-name")
    )
    composed_key = forms.BooleanField(
        label=_("Part of the key"), required=False, widget=_tick("composed-key")
    )
    constant_code = forms.RegexField(
        r"^[a-z][a-z0-9_]*$",
        label=_("Column with one value for the whole file: code"),
        required=False,
        max_length=55,
        widget=_text("constant-code"),
    )
    constant_name = forms.CharField(
        label=_("its name"), required=False, max_length=100, widget=_text("constant-name")
    )
    constant_value = forms.CharField(
        label=_("its value"), required=False, max_length=200, widget=_text("constant-value")
    )

    def __init__(self, found: Found, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        headers = [("", "—"), *((column.header, column.header) for column in found.columns)]
        for part in PARTS:
            self.fields[f"part_{part}"] = forms.ChoiceField(
                label=PART_NAMES[part], choices=headers, required=False, widget=_choice(f"part-{part}")
            )
        provider = self.fields["provider"]
        assert isinstance(provider, forms.ChoiceField)
        provider.choices = [("", "—"), *((one.code, one.name) for one in organisations())]
        licence = self.fields["licence"]
        assert isinstance(licence, forms.ChoiceField)
        licence.choices = [("", "—"), *((one.code, one.title) for one in LICENCES.values())]
        if found.geometry:  # only GeoJSON has shapes
            self.fields["geometry"] = forms.ChoiceField(
                label=_("Shapes"), choices=GEOMETRIES, widget=_choice("dataset-geometry")
            )
        self.domains = DOMAINS

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        parts = [bool(data.get(f"part_{part}")) for part in PARTS]
        if any(parts):
            if not all(parts[:3]) or parts != sorted(parts, reverse=True):
                self.add_error(
                    "part_year", _("A composed time needs year, month and day, and no gap after them.")
                )
            if not data.get("composed_code"):
                self.add_error("composed_code", _("Please fill this in."))
        if bool(data.get("constant_code")) != bool(data.get("constant_value")):
            self.add_error("constant_code", _("A column with one value needs a code and the value."))
        return data


class ColumnForm(forms.Form):
    header = forms.CharField(widget=forms.HiddenInput, strip=False)
    use = forms.BooleanField(label=_("Take"), required=False, widget=_tick("column-use"))
    code = forms.RegexField(
        r"^[a-z][a-z0-9_]*$", label=_("Code"), max_length=63, required=False, widget=_text("column-code")
    )
    name = forms.CharField(
        label=_("Chinese name"), max_length=200, required=False, widget=_text("column-name")
    )
    name_en = forms.CharField(
        label=_("English name"), max_length=200, required=False, widget=_text("column-name-en")
    )
    kind = forms.ChoiceField(label=_("Kind"), choices=ColumnKind.choices, widget=_choice("column-kind"))
    unit = forms.CharField(
        label=pgettext_lazy("data", "Unit"), max_length=20, required=False, widget=_text("column-unit")
    )
    role = forms.ChoiceField(
        label=pgettext_lazy("data", "Role"), choices=ROLES, required=False, widget=_choice("column-role")
    )
    key = forms.BooleanField(label=pgettext_lazy("data", "key"), required=False, widget=_tick("column-key"))
    required = forms.BooleanField(label=_("required"), required=False, widget=_tick("column-required"))
    personal = forms.BooleanField(label=_("personal"), required=False, widget=_tick("column-personal"))
    grade = forms.ChoiceField(label=_("Grade"), choices=GRADES, widget=_choice("column-grade"))
    low = forms.FloatField(
        label=_("least"),
        required=False,
        widget=forms.NumberInput(attrs={"class": "form-control", "step": "any"}),
    )
    high = forms.FloatField(
        label=_("most"),
        required=False,
        widget=forms.NumberInput(attrs={"class": "form-control", "step": "any"}),
    )
    codes = forms.CharField(
        label=_("Code list"),
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"class": "form-control", "rows": 1, "data-test": "column-codes"}),
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("use"):
            for field in ("code", "name"):
                if not data.get(field) and field not in self.errors:
                    self.add_error(field, _("Please fill this in."))
            if data.get("personal") and data.get("kind") != "text":
                self.add_error("kind", _("A personal column is kept as a token, so it is text."))
        low, high = data.get("low"), data.get("high")
        if low is not None and high is not None and low > high:
            self.add_error("low", _("The least is more than the most."))
        return data


class ColumnsBase(BaseFormSet):
    def clean(self) -> None:
        if any(self.errors):
            return
        used = [form.cleaned_data for form in self.forms if form.cleaned_data.get("use")]
        codes = [one["code"] for one in used]
        if repeated := sorted({code for code in codes if codes.count(code) > 1}):
            raise forms.ValidationError(_("A code stands twice: %(codes)s") % {"codes": ", ".join(repeated)})
        for role, label in ROLES[1:]:
            if sum(one["role"] == role for one in used) > 1:
                raise forms.ValidationError(_("Two columns have the same role: %(role)s") % {"role": label})
        if sum(one["role"] in ("lon", "lat") for one in used) == 1:
            raise forms.ValidationError(_("A longitude needs a latitude."))


ColumnFormSet = formset_factory(ColumnForm, formset=ColumnsBase, extra=0, max_num=300, absolute_max=300)


class GuardForm(forms.Form):
    """Columns that a form asks people for."""

    title = forms.CharField(
        label=_("Name of the form or dataset"), max_length=200, widget=_text("guard-title")
    )
    columns = forms.CharField(
        label=_("Columns it asks for"),
        max_length=20_000,
        help_text=_("One per line, or separated by commas; paste the header of the form."),
        widget=forms.Textarea(attrs={"class": "form-control", "rows": 6, "data-test": "guard-columns"}),
    )
    subject = forms.CharField(
        label=_("What a row is about"),
        max_length=60,
        required=False,
        help_text=_("Such as 企业 or 房屋编号; the columns alone are compared without it."),
        widget=_text("guard-subject"),
    )
    reason = forms.CharField(
        label=_("Why it is collected all the same"),
        max_length=500,
        required=False,
        widget=_text("guard-reason"),
    )


def cycle_of(minutes: str) -> timedelta | None:
    return timedelta(minutes=int(minutes)) if minutes else None


def words_of(text: str) -> list[str]:
    """Words separated by spaces or commas of either script, each once."""
    plain = text.replace("，", " ").replace(",", " ").replace("、", " ").replace(";", " ").replace("；", " ")
    return list(dict.fromkeys(plain.split()))


def columns_of(text: str) -> list[str]:
    """Column names of a pasted form: by line, tab or comma."""
    names: Iterable[str] = (
        name.strip()
        for line in text.replace("，", ",").splitlines()
        for name in line.replace("\t", ",").split(",")
    )
    return list(dict.fromkeys(name for name in names if name))
