"""The forms of rules, corrections and mending."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from datahub.declare import DatasetSpec, RuleSpec
from datahub.models import Dataset

from .services.rules import FITS, free_code
from .words import KINDS

NUMBERS = {"class": "form-control", "step": "any", "inputmode": "decimal"}


def _box(test: str, **more: Any) -> dict[str, Any]:
    return {"class": "form-control", "data-test": test, **more}


def _choice(test: str) -> forms.Select:
    return forms.Select(attrs={"class": "form-select", "data-test": test})


class RuleForm(forms.Form):
    """One rule, whatever its kind; what a kind does not need is not asked for: frontend datahub_rule.ts."""

    kind = forms.ChoiceField(
        label=_("What is checked"), choices=list(KINDS.items()), widget=_choice("rule-kind")
    )
    column = forms.ChoiceField(label=_("Column"), widget=_choice("rule-column"))
    min = forms.FloatField(label=_("Not below"), required=False, widget=forms.NumberInput(NUMBERS))
    max = forms.FloatField(label=_("Not above"), required=False, widget=forms.NumberInput(NUMBERS))
    codes = forms.CharField(
        label=_("Allowed values"),
        required=False,
        max_length=60_000,
        help_text=_("One a line."),
        widget=forms.Textarea(_box("rule-codes", rows=4)),
    )
    form = forms.CharField(
        label=_("Pattern"),
        required=False,
        max_length=200,
        help_text=_("A regular expression for the whole value, such as [A-Z]{2}\\d{6}. RE2: no look-around."),
        widget=forms.TextInput(_box("rule-form", autocomplete="off", spellcheck="false")),
    )
    characters = forms.IntegerField(
        label=_("Characters at most"), required=False, min_value=1, widget=forms.NumberInput(NUMBERS)
    )
    minutes = forms.FloatField(
        label=_("Minutes that clocks may differ"),
        required=False,
        min_value=0,
        widget=forms.NumberInput(NUMBERS),
    )
    hours = forms.FloatField(
        label=_("Hours within which a row has to come"),
        required=False,
        min_value=0,
        widget=forms.NumberInput(NUMBERS),
    )
    op = forms.ChoiceField(
        label=_("Has to be"),
        required=False,
        choices=[
            ("<=", _("at most (≤)")),
            ("<", _("less than (<)")),
            ("==", _("equal to (=)")),
            ("!=", _("other than (≠)")),
            (">=", _("at least (≥)")),
            (">", _("more than (>)")),
        ],
        widget=_choice("rule-op"),
    )
    other = forms.ChoiceField(label=_("Other column"), required=False, widget=_choice("rule-other"))
    dataset = forms.ChoiceField(label=_("Register"), required=False, widget=_choice("rule-register"))
    register_column = forms.CharField(
        label=_("Column of the register"),
        required=False,
        max_length=63,
        widget=forms.TextInput(_box("rule-register-column", autocomplete="off")),
    )
    with_columns = forms.MultipleChoiceField(
        label=_("Together with"),
        required=False,
        widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"}),
    )
    on_fail = forms.ChoiceField(
        label=_("A row that fails"),
        choices=[("reject", _("stays out, to be mended")), ("note", _("goes in, and is counted"))],
        widget=_choice("rule-on-fail"),
    )
    tolerance = forms.FloatField(
        label=_("Tolerance, per cent of rows"),
        required=False,
        min_value=0,
        max_value=100,
        help_text=_("More than that opens an incident. Empty: the city's default."),
        widget=forms.NumberInput(NUMBERS),
    )
    note = forms.CharField(
        label=pgettext_lazy("data", "Reason"),
        required=False,
        max_length=300,
        help_text=_("Why it is changed; it stands in the history."),
        widget=forms.TextInput(_box("rule-note")),
    )

    def __init__(
        self, dataset: Dataset, spec: DatasetSpec, rule: RuleSpec | None, *args: Any, **kw: Any
    ) -> None:
        self.held, self.spec, self.rule = dataset, spec, rule
        if rule is not None:
            kw.setdefault("initial", _initial(rule))
        super().__init__(*args, **kw)
        columns = [(one.code, f"{one.name} ({one.code})") for one in spec.columns]
        registers = Dataset.objects.published().exclude(key_columns=[]).order_by("name")
        names: dict[str, list[Any]] = {
            "column": columns,
            "other": [("", "—"), *columns],
            "with_columns": columns,
            "dataset": [("", "—"), *((one.code, f"{one.title} ({one.code})") for one in registers)],
        }
        for name, choices in names.items():
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = choices

    def spec_of_rule(self) -> RuleSpec:
        """What was filled in, as a declaration has it. Nothing is judged here."""
        data = self.cleaned_data
        kind = data["kind"]
        rule = RuleSpec(
            code="new",
            kind=kind,
            column=data["column"],
            params=self._params(kind),
            on_fail=data["on_fail"],
            tolerance=None if data["tolerance"] is None else data["tolerance"] / 100,
        )
        code = self.rule.code if self.rule is not None else free_code(self.held.code, rule)
        return rule.model_copy(update={"code": code})

    def _params(self, kind: str) -> dict[str, Any]:
        data = self.cleaned_data
        if kind == "range":
            return {name: _plain(data[name]) for name in ("min", "max") if data[name] is not None}
        if kind == "code_list":
            lines = (line.strip() for line in data["codes"].splitlines())
            return {"codes": list(dict.fromkeys(line for line in lines if line))}
        if kind == "reference":
            return {"dataset": data["dataset"], "column": data["register_column"].strip()}
        if kind == "compare":
            return {"op": data["op"], "other": data["other"]}
        if kind == "unique":
            return {"with": [name for name in data["with_columns"] if name != data["column"]]}
        wanted = {"pattern": "form", "max_length": "characters", "not_future": "minutes", "timely": "hours"}
        name = wanted.get(kind)
        value = data.get(name) if name else None
        return {name: value} if name and value not in (None, "") else {}


def _plain(value: float) -> float | int:
    return int(value) if value.is_integer() and abs(value) < 1e15 else value


def _initial(rule: RuleSpec) -> dict[str, Any]:
    params = dict(rule.params)
    return {
        **{
            name: value
            for name, value in params.items()
            if name not in ("codes", "with", "dataset", "column")
        },
        "kind": rule.kind,
        "column": rule.column,
        "codes": "\n".join(str(code) for code in params.get("codes", ())),
        "with_columns": list(params.get("with", ())),
        "dataset": params.get("dataset", ""),
        "register_column": params.get("column", ""),
        "on_fail": rule.on_fail,
        "tolerance": None if rule.tolerance is None else rule.tolerance * 100,
    }


# Which fields a kind asks for beside the common ones: read by the page's script.
FIELDS_OF: dict[str, list[str]] = {
    "range": ["min", "max"],
    "code_list": ["codes"],
    "pattern": ["form"],
    "max_length": ["characters"],
    "not_future": ["minutes"],
    "timely": ["hours"],
    "compare": ["op", "other"],
    "reference": ["dataset", "register_column"],
    "unique": ["with_columns"],
    **{kind: [] for kind in ("required", "id_number", "credit_code")},
}
assert FIELDS_OF.keys() == FITS.keys()


class AskForm(forms.Form):
    """A correction of one value of one record."""

    row = forms.CharField(widget=forms.HiddenInput)
    column = forms.ChoiceField(label=_("Column"), widget=_choice("ask-column"))
    wrong = forms.CharField(
        label=_("What it says now"), required=False, max_length=500, widget=forms.TextInput(_box("ask-wrong"))
    )
    proposed = forms.CharField(
        label=_("What it should say"), max_length=500, widget=forms.TextInput(_box("ask-proposed"))
    )
    evidence = forms.CharField(
        label=_("How you know"),
        min_length=4,
        max_length=4000,
        help_text=_("A document, an inspection, a call: what the owner can check."),
        widget=forms.Textarea(_box("ask-evidence", rows=4)),
    )

    def __init__(self, spec: DatasetSpec, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        column = self.fields["column"]
        assert isinstance(column, forms.ChoiceField)
        column.choices = [(one.code, one.name) for one in spec.columns]


class NoteForm(forms.Form):
    note = forms.CharField(
        label=pgettext_lazy("data", "Note"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(_box("note", rows=3)),
    )


class ReasonForm(forms.Form):
    note = forms.CharField(
        label=pgettext_lazy("data", "Reason"), max_length=2000, widget=forms.Textarea(_box("note", rows=3))
    )


class DeliveryForm(NoteForm):
    delivery = forms.IntegerField(
        label=_("Number of the delivery that brought it"),
        min_value=1,
        max_value=2**62,
        widget=forms.NumberInput({**NUMBERS, "data-test": "correct-delivery"}),
    )
    field_order = ("delivery", "note")


class ReplaceForm(forms.Form):
    """One value for another in a column."""

    header = forms.ChoiceField(label=_("Column"), widget=_choice("replace-header"))
    find = forms.CharField(
        label=_("Where it says"), required=False, max_length=4000, strip=False,
        widget=forms.TextInput(_box("replace-find")),
    )  # fmt: skip
    replace = forms.CharField(
        label=_("Write instead"), required=False, max_length=4000, widget=forms.TextInput(_box("replace-by"))
    )

    def __init__(self, headers: list[tuple[str, str]], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["header"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = headers
