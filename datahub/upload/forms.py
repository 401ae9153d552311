"""What may be said about a file before it is delivered: how it is read, and which column is which."""

import re
from typing import Any

import pandas as pd
from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from datahub.catalogue.forms import DATUMS, GEOMETRIES, PART_NAMES, ZONES
from datahub.catalogue.proposing import PARTS
from datahub.checks.guard import is_guarded
from datahub.declare import DatasetSpec, MappingSpec
from datahub.vault.masking import said

from .looking import Look

OWN = "file"  # the name of a reading that nobody saved
DELIMITERS = [
    ("", _("as found")),
    (",", _("comma")),
    (";", _("semicolon")),
    ("\t", _("tab")),
    ("|", _("vertical bar")),
]
ENCODINGS = [
    ("", _("as found")),
    ("utf-8", "UTF-8"),
    ("gb18030", "GB18030 / GBK"),
    ("big5", "Big5"),
    ("utf-16", "UTF-16"),
    ("utf-16-le", "UTF-16 LE"),
    ("utf-16-be", "UTF-16 BE"),
    ("cp1252", "Windows-1252"),
]


def _choice(name: str) -> forms.Select:
    return forms.Select(attrs={"class": "form-select", "data-test": f"reading-{name}"})


def _text(name: str, **attrs: Any) -> forms.TextInput:
    return forms.TextInput(attrs={"class": "form-control", "data-test": f"reading-{name}", **attrs})


class FileForm(forms.Form):
    """The file as a browser without script sends it."""

    file = forms.FileField(
        label=_("File"),
        help_text=_("CSV (also .gz), XLSX, JSON, GeoJSON (also .gz) or Parquet, up to 2 GiB."),
        widget=forms.ClearableFileInput(
            attrs={"class": "form-control", "data-test": "upload-file", "data-file": ""}
        ),
    )


class ReadingForm(forms.Form):
    """Everything detected, changeable. Fields of headers and of missing columns are made from the file."""

    delimiter = forms.ChoiceField(
        label=_("Delimiter"), choices=DELIMITERS, required=False, widget=_choice("delimiter")
    )
    encoding = forms.ChoiceField(
        label=_("Encoding"), choices=ENCODINGS, required=False, widget=_choice("encoding")
    )
    sheet = forms.ChoiceField(label=_("Sheet"), required=False, widget=_choice("sheet"))
    datum = forms.ChoiceField(label=_("Datum of coordinates"), required=False, widget=_choice("datum"))
    geometry = forms.ChoiceField(
        label=_("Shapes"), choices=GEOMETRIES, required=False, widget=_choice("geometry")
    )
    timezone = forms.ChoiceField(
        label=_("Time zone of times without one"), required=False, widget=_choice("timezone")
    )
    time_formats = forms.CharField(
        label=_("Ways of writing times"),
        required=False,
        max_length=300,
        strip=True,
        help_text=_("Common ones are known. Others, separated by “;”, such as %d.%m.%Y %H:%M"),
        widget=_text("time-formats"),
    )
    null_words = forms.CharField(
        label=_("Words for a missing value"),
        required=False,
        max_length=300,
        help_text=_("Separated by spaces. An empty field is always missing."),
        widget=_text("null-words"),
    )
    period = forms.CharField(
        label=_("Period or batch"),
        required=False,
        max_length=80,
        help_text=_("The source's own name for it. The same file under the same name counts once."),
        widget=_text("period"),
    )
    history = forms.BooleanField(
        label=_("Treat as history: raises trial alerts only"),
        required=False,
        widget=forms.CheckboxInput(attrs={"class": "form-check-input", "data-test": "reading-history"}),
    )
    save_as = forms.RegexField(
        r"^[\w\- ]{1,40}$",
        label=_("Save this mapping as"),
        required=False,
        max_length=40,
        help_text=_("The next file with the same header is then read this way by itself."),
        widget=_text("save-as"),
    )

    def __init__(self, spec: DatasetSpec, look: Look, data: Any = None, *, upload: Any) -> None:
        self.spec, self.look = spec, look
        super().__init__(data, initial=None if data is not None else initial(spec, look, upload))
        self._offer("sheet", [(name, name) for name in look.sheets])
        self._offer("datum", [("", _("as found")), *DATUMS])
        zones = list(dict.fromkeys([look.mapping.timezone, *ZONES]))
        self._offer("timezone", [(zone, zone) for zone in zones])
        targets = _targets(spec)
        for n, header in enumerate(look.headers):
            self.fields[f"h_{n}"] = forms.ChoiceField(
                label=header.name,
                choices=targets,
                required=False,
                widget=forms.Select(attrs={"class": "form-select", "data-test": "header-takes"}),
            )
        self.absent = {column.code for column, _needed in look.missing} | look.mapping.constants.keys()
        for column in spec.columns:
            if column.code in self.absent and not column.personal:
                self.fields[f"k_{column.code}"] = forms.CharField(
                    label=column.name,
                    required=False,
                    max_length=200,
                    widget=forms.TextInput(
                        attrs={"class": "form-control", "data-test": "constant", "aria-label": column.name}
                    ),
                )
        for name in unused(spec, look):
            del self.fields[name]

    def _offer(self, name: str, choices: list[Any]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    def header_fields(self) -> list[tuple[Any, Any]]:
        return [(header, self[f"h_{n}"]) for n, header in enumerate(self.look.headers)]

    def missing_fields(self) -> list[tuple[Any, bool, Any]]:
        needed = {column.code: must for column, must in self.look.missing}
        return [
            (
                column,
                needed.get(column.code, False),
                self[f"k_{column.code}"] if not column.personal else None,
            )
            for column in self.spec.columns
            if column.code in self.absent
        ]

    def plain_fields(self) -> list[Any]:
        names = (
            "delimiter",
            "encoding",
            "sheet",
            "datum",
            "geometry",
            "timezone",
            "time_formats",
            "null_words",
        )
        return [self[name] for name in names if name in self.fields]

    def clean_time_formats(self) -> tuple[str, ...]:
        found = tuple(one.strip() for one in self.cleaned_data["time_formats"].split(";") if one.strip())
        for form in found:
            try:
                pd.to_datetime(["2026-11-20"], format=form, errors="coerce")
            except (ValueError, TypeError, re.error) as error:
                raise forms.ValidationError(
                    _("“%(form)s” is no way of writing a time."), params={"form": form}
                ) from error
        return found

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        taken: dict[str, int] = {}
        for n in range(len(self.look.headers)):
            target = data.get(f"h_{n}", "")
            if target in taken and target:
                self.add_error(f"h_{n}", _("Two columns of the file cannot fill one column of the dataset."))
            taken[target] = n
        for column in self.spec.columns:
            parts = [f"{column.code}:{n}" in taken for n in range(len(PARTS))]
            if any(parts) and (not all(parts[:3]) or parts != sorted(parts, reverse=True)):
                at = next(n for target, n in taken.items() if target.startswith(f"{column.code}:"))
                self.add_error(
                    f"h_{at}", _("A composed time needs year, month and day, and no gap after them.")
                )
            if any(parts) and column.code in taken:
                self.add_error(
                    f"h_{taken[column.code]}",
                    _("This column is composed of several, or it is one; not both."),
                )
        return data

    def changes(self, upload: Any) -> bool:
        """Whether anything about reading was changed: what was only looked at stays as it was found."""
        skip = {"period", "history", "save_as"}
        shown = initial(self.spec, self.look, upload)
        return any(
            (self.cleaned_data.get(name) or "") != (self.fields[name].clean(shown.get(name) or "") or "")
            for name in self.fields
            if name not in skip and name != "time_formats"
        ) or tuple(self.cleaned_data["time_formats"]) != tuple(self.look.mapping.time_formats)

    def reading(self) -> MappingSpec:
        """What the cleaned form says."""
        data, headers = self.cleaned_data, self.look.raw_headers
        rename: dict[str, str] = {}
        parts: dict[str, dict[int, str]] = {}
        ignore = []
        for n, header in enumerate(headers):
            column, colon, part = data[f"h_{n}"].partition(":")
            if not column:
                ignore.append(header)
            elif colon:
                parts.setdefault(column, {})[int(part)] = header
            else:
                rename[header] = column
        if is_guarded(self.spec):  # a first line may be data: only names that the declaration knows are kept
            ignore = [header for header in ignore if said(self.spec, header) == header]
        old = self.look.mapping
        anew = [data.get("delimiter", "") != old.delimiter, data.get("encoding", "") != old.encoding]
        if any(anew) or data.get("sheet", "") not in ("", self.look.sheet):
            ignore = []  # the file is read anew: its header will be another
        spaced = [token for token in old.null_tokens if token != token.strip() or " " in token]
        constants = {
            column.code: data[f"k_{column.code}"].strip()
            for column in self.spec.columns
            if data.get(f"k_{column.code}", "").strip() and column.code not in {*rename.values(), *parts}
        }
        return MappingSpec(
            name=OWN,
            rename=rename,
            compose={column: tuple(found[n] for n in sorted(found)) for column, found in parts.items()},
            constants=constants,
            ignore=tuple(ignore),
            null_tokens=tuple(dict.fromkeys(["", *data["null_words"].split(), *spaced])),
            timezone=data.get("timezone") or old.timezone,
            time_formats=data["time_formats"],
            delimiter=data.get("delimiter", ""),
            encoding=data.get("encoding", ""),
            sheet=data.get("sheet", ""),
            datum=data.get("datum", ""),
            geometry=data.get("geometry") or "point",
        )


def unused(spec: DatasetSpec, look: Look) -> list[str]:
    """Fields that mean nothing for this kind of file."""
    shown = {
        "delimiter": look.kind in ("CSV", ""),
        "encoding": look.kind in ("CSV", "JSON", "GeoJSON", ""),
        "sheet": len(look.sheets) > 1,
        "datum": bool(spec.lon_column),
        "geometry": look.shapes,
    }
    return [name for name, there in shown.items() if not there]


def initial(spec: DatasetSpec, look: Look, upload: Any) -> dict[str, Any]:
    mapping = look.mapping
    return {
        "delimiter": mapping.delimiter,
        "encoding": mapping.encoding,
        "sheet": mapping.sheet or look.sheet,
        "datum": mapping.datum,
        "geometry": mapping.geometry,
        "timezone": mapping.timezone,
        "time_formats": "; ".join(mapping.time_formats),
        "null_words": " ".join(token for token in mapping.null_tokens if token.split() == [token]),
        "period": upload.period,
        "history": upload.history,
        "save_as": mapping.name if mapping.name not in (OWN, "default") else "",
        **{f"h_{n}": header.takes for n, header in enumerate(look.headers)},
        **{f"k_{code}": value for code, value in mapping.constants.items()},
    }


def _targets(spec: DatasetSpec) -> list[Any]:
    """Left out, one of the columns, or a part of a time."""
    columns = [(c.code, f"{c.name} · {c.code}" + (f" [{c.unit}]" if c.unit else "")) for c in spec.columns]
    parts = [
        (
            pgettext_lazy("data", "Part of %(column)s") % {"column": column.name},
            [(f"{column.code}:{n}", f"{column.name} · {PART_NAMES[part]}") for n, part in enumerate(PARTS)],
        )
        for column in spec.columns
        if column.kind == "time"
    ]
    return [("", _("left out")), (_("Columns"), columns), *parts]
