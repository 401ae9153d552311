"""The steps of connecting a source, as forms. A secret can be given and is never shown."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from datahub.declare import ColumnSpec, DatasetSpec

from .database import CURSOR_KINDS
from .services.trying import Offered
from .settings import HttpSettings
from .states import Rhythm

TEXT = {"class": "form-control", "autocomplete": "off"}
SELECT = {"class": "form-select"}
UNITS = ((1, _("seconds")), (60, _("minutes")), (3_600, _("hours")))


def _text(**more: Any) -> forms.TextInput:
    return forms.TextInput(attrs={**TEXT, **more})


def _number(**more: Any) -> forms.NumberInput:
    return forms.NumberInput(attrs={"class": "form-control", **more})


class BaseForm(forms.Form):
    """What every source has; the dataset is chosen once."""

    dataset_code = forms.ChoiceField(label=_("Dataset"), widget=forms.Select(attrs=SELECT))
    name = forms.CharField(label=_("Name"), max_length=120, widget=_text())

    def __init__(self, *args: Any, datasets: Sequence[tuple[str, str]], fixed: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["dataset_code"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = datasets
        if fixed:
            field.widget = forms.HiddenInput()

    def settings(self) -> dict[str, Any]:
        """What of it belongs into the settings of the source."""
        return {name: self.cleaned_data[name] for name in self.own if name in self.cleaned_data}

    own: tuple[str, ...] = ()


class FolderForm(BaseForm):
    own = ("folder", "pattern", "settle_s", "keep_days", "mapping")

    folder = forms.CharField(
        label=_("Folder"), max_length=200, help_text=_("Below the drop folder; it is made."), widget=_text()
    )
    pattern = forms.CharField(
        label=_("Names of files"),
        max_length=100,
        initial="*",
        help_text=_("* stands for anything: air-*.csv"),
        widget=_text(),
    )
    settle_s = forms.IntegerField(
        label=_("Whole when unchanged for … seconds"),
        min_value=0,
        max_value=3_600,
        initial=10,
        widget=_number(),
    )
    keep_days = forms.IntegerField(
        label=_("Days that files stay in done and failed"),
        min_value=1,
        max_value=3_650,
        initial=30,
        widget=_number(),
    )
    mapping = forms.CharField(
        label=_("Saved mapping"),
        max_length=63,
        required=False,
        help_text=_("Empty: found by the header."),
        widget=_text(),
    )


class DatabaseForm(BaseForm):
    own = ("url", "zone", "timeout_s")

    url = forms.CharField(
        label=_("Address"),
        max_length=500,
        help_text=_(
            "postgresql://user@host:5432/database, or sqlite:///folder/file.db below the drop folder"
        ),
        widget=_text(placeholder="postgresql://user@host:5432/database"),
    )
    secret = forms.CharField(
        label=_("Password"),
        max_length=500,
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={**TEXT, "autocomplete": "new-password"}),
    )
    zone = forms.ChoiceField(
        label=_("Times without a zone are"),
        initial="Asia/Shanghai",
        widget=forms.Select(attrs=SELECT),
        choices=[("Asia/Shanghai", _("Beijing time")), ("UTC", "UTC")],
    )
    timeout_s = forms.IntegerField(
        label=_("Time limit of a query in seconds"),
        min_value=1,
        max_value=3_600,
        initial=60,
        widget=_number(),
    )


class HttpForm(BaseForm):
    own = ("url", "form", "secret_in", "secret_name", "secret_prefix", "zone", "headers", "mapping")

    url = forms.CharField(label=_("Address"), max_length=1_000, widget=_text(placeholder="https://"))
    form = forms.ChoiceField(
        label=_("What it answers"),
        initial="json",
        widget=forms.Select(attrs=SELECT),
        choices=[
            ("json", _("Records as JSON, page by page")),
            ("file", _("One whole file (CSV, JSON, XLSX …)")),
        ],
    )
    secret_in = forms.ChoiceField(
        label=_("Token"),
        initial="none",
        widget=forms.Select(attrs=SELECT),
        choices=[("none", _("none needed")), ("header", _("in a header")), ("query", _("in the address"))],
    )
    secret_name = forms.CharField(
        label=_("Name of the header or parameter"),
        initial="Authorization",
        max_length=100,
        required=False,
        widget=_text(),
    )
    secret_prefix = forms.CharField(
        label=_("Word before the token"), max_length=30, required=False, widget=_text(placeholder="Bearer")
    )
    secret = forms.CharField(
        label=_("The token itself"),
        max_length=2_000,
        required=False,
        widget=forms.PasswordInput(attrs={**TEXT, "autocomplete": "new-password"}),
    )
    zone = forms.ChoiceField(
        label=_("Times without a zone are"),
        initial="Asia/Shanghai",
        widget=forms.Select(attrs=SELECT),
        choices=[("Asia/Shanghai", _("Beijing time")), ("UTC", "UTC")],
    )
    headers = forms.CharField(
        label=_("Further headers"),
        required=False,
        help_text=_("One a line: Name: value"),
        widget=forms.Textarea(attrs={**TEXT, "rows": 2}),
    )
    mapping = forms.CharField(
        label=_("Saved mapping of the file"),
        max_length=63,
        required=False,
        widget=_text(),
        help_text=_("Empty: found by the header."),
    )

    def clean_headers(self) -> dict[str, str]:
        found = {}
        for line in self.cleaned_data["headers"].splitlines():
            name, colon, value = line.partition(":")
            if line.strip() and not colon:
                raise forms.ValidationError(_("One a line: Name: value"))
            if line.strip():
                found[name.strip()] = value.strip()
        return found


CONNECT: dict[str, type[FolderForm] | type[DatabaseForm] | type[HttpForm]] = {
    "folder": FolderForm,
    "database": DatabaseForm,
    "http": HttpForm,
}


class TableForm(forms.Form):
    table = forms.ChoiceField(label=_("Table"), widget=forms.Select(attrs={**SELECT, "size": 12}))

    def __init__(self, *args: Any, tables: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["table"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [
            (f"{n}", f"{schema}.{name}" if schema else name) for n, (schema, name) in enumerate(tables)
        ]
        self._tables = list(tables)

    def chosen(self) -> tuple[str, str]:
        return self._tables[int(self.cleaned_data["table"])]


class RecordsForm(forms.Form):
    record_path = forms.ChoiceField(
        label=_("Where the records are"), required=False, widget=forms.Select(attrs=SELECT)
    )
    paging = forms.ChoiceField(
        label=_("More pages"),
        widget=forms.Select(attrs=SELECT),
        choices=[
            ("none", _("one answer holds all")),
            ("page", _("by a page number")),
            ("offset", _("by an offset")),
            ("token", _("by a token in the answer")),
            ("link", _("by a link to the next page")),
        ],
    )
    page_param = forms.CharField(
        label=_("Parameter of page, offset or token"),
        initial="page",
        max_length=60,
        required=False,
        widget=_text(),
    )
    first_page = forms.TypedChoiceField(
        label=_("The first page is"),
        coerce=int,
        initial=1,
        choices=[(1, "1"), (0, "0")],
        widget=forms.Select(attrs=SELECT),
    )
    size_param = forms.CharField(
        label=_("Parameter of the page size"),
        max_length=60,
        required=False,
        widget=_text(),
        help_text=_("Given one, a shorter page is the last."),
    )
    size = forms.IntegerField(
        label=_("Records a page"), min_value=1, max_value=100_000, initial=100, widget=_number()
    )
    next_path = forms.CharField(
        label=_("Where the token or link is"),
        max_length=300,
        required=False,
        widget=_text(placeholder="/meta/next"),
        help_text=_("A path in the answer; empty: the header Link."),
    )
    max_pages = forms.IntegerField(
        label=_("Pages at most"), min_value=1, max_value=20_000, initial=1_000, widget=_number()
    )

    def __init__(self, *args: Any, paths: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["record_path"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = paths


def shown_name(column: ColumnSpec) -> str:
    chinese = (get_language() or "zh").startswith("zh")
    name = column.name if chinese or not column.name_en else column.name_en
    return f"{name} ({column.code})" if name else column.code


class ColumnsForm(forms.Form):
    """One choice for each column of the source, and the column that tells what is new."""

    def __init__(
        self, *args: Any, offered: Sequence[Offered], spec: DatasetSpec, kind: str, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.offered, self._kind = list(offered), kind
        targets = [("", "—"), *((c.code, shown_name(c)) for c in spec.columns)]
        for n, one in enumerate(self.offered):
            self.fields[f"c{n}"] = forms.ChoiceField(
                label=one.name,
                choices=targets,
                required=False,
                disabled=one.binary,
                widget=forms.Select(attrs={**SELECT, "data-test": f"takes-{one.name}"}),
            )
        usable = [
            one for one in offered if kind != "database" or one.kind in CURSOR_KINDS or not one.type_name
        ]
        nothing = _("none: the whole is fetched each time")
        self.fields["cursor"] = forms.ChoiceField(
            label=_("Column that tells what is new"),
            required=False,
            widget=forms.Select(attrs=SELECT),
            choices=[("", nothing), *((one.name, one.name) for one in usable)],
            help_text=_("A number or time that only grows: a serial number, the time of the last change."),
        )
        self.fields["overlap"] = forms.IntegerField(
            label=_("Look again so far behind it"),
            min_value=0,
            max_value=2_592_000,
            required=False,
            widget=_number(),
            help_text=_("Seconds of a time, units of a number; rows that are known do not come twice."),
        )
        if kind == "http":
            self.fields["since_param"] = forms.CharField(
                label=_("Parameter that asks for what is new"),
                max_length=60,
                required=False,
                widget=_text(),
                help_text=_("Empty: everything is asked for, and what came before is left out."),
            )

    def lines(self) -> list[tuple[Offered, Any]]:
        return [(one, self[f"c{n}"]) for n, one in enumerate(self.offered)]

    def rest(self) -> list[Any]:
        return [self[name] for name in ("cursor", "overlap", "since_param") if name in self.fields]

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        chosen = {one.name: found.get(f"c{n}", "") for n, one in enumerate(self.offered)}
        mapped = {name: code for name, code in chosen.items() if code}
        twice = sorted({code for code in mapped.values() if list(mapped.values()).count(code) > 1})
        if twice:
            raise forms.ValidationError(_("Taken from two columns: %(names)s") % {"names": ", ".join(twice)})
        if not mapped:
            raise forms.ValidationError(_("Choose at least one column."))
        found["columns"] = mapped
        return found

    def settings(self) -> dict[str, Any]:
        data = self.cleaned_data
        found: dict[str, Any] = {"columns": data["columns"], "overlap": data["overlap"] or 0}
        if self._kind == "http":
            return {**found, "since_field": data["cursor"], "since_param": data["since_param"]}
        return {**found, "cursor": data["cursor"]}


class RhythmForm(forms.Form):
    rhythm = forms.ChoiceField(label=_("When"), choices=Rhythm.choices, widget=forms.Select(attrs=SELECT))
    every = forms.IntegerField(label=_("Every"), min_value=1, max_value=10_000, initial=1, widget=_number())
    unit = forms.TypedChoiceField(
        label=pgettext_lazy("time", "Unit"),
        coerce=int,
        choices=UNITS,
        initial=3_600,
        widget=forms.Select(attrs=SELECT),
    )
    daily_at = forms.TimeField(
        label=_("Time of day"),
        required=False,
        widget=forms.TimeInput(attrs={"class": "form-control", "type": "time"}),
    )

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if found.get("rhythm") == Rhythm.DAILY and not found.get("daily_at"):
            self.add_error("daily_at", _("Give the time of day."))
        if (
            found.get("rhythm") == Rhythm.EVERY
            and found.get("every")
            and found["every"] * found.get("unit", 1) < 10
        ):
            self.add_error("every", _("Not more often than every ten seconds."))
        return found


def suggested(offered: Sequence[Offered], spec: DatasetSpec) -> dict[str, str]:
    """Columns that go by the same name: c0, c1 … -> column of the dataset."""
    names = {
        name.casefold(): column.code
        for column in spec.columns
        for name in (column.name_en, column.name, column.code)
        if name
    }
    found: dict[str, str] = {}
    for n, one in enumerate(offered):
        code = names.get(one.name.casefold()) or names.get(one.name.rpartition("/")[2].casefold())
        if code and code not in found.values() and not one.binary:
            found[f"c{n}"] = code
    return found


def headers_text(settings: HttpSettings) -> str:
    return "\n".join(f"{name}: {value}" for name, value in settings.headers.items())
