"""Rules that a steward makes, changes and switches off without code. What a pack declares stays readable."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from commandcenter.core import clock
from commandcenter.core.errors import BadInput, Conflict, Problem, require
from commandcenter.journal.services import audit
from datahub.catalogue.services.moves import note_move
from datahub.catalogue.states import Action
from datahub.checks.rules import COMPARE, form_fault
from datahub.declare import DatasetSpec, RuleSpec
from datahub.models import Dataset, QualityRule
from datahub.selectors import dataset as find_dataset
from datahub.selectors import spec_for

from ..policies import may_change_rules
from ..references import known_values

NUMBERS, TIMES = frozenset({"integer", "number"}), frozenset({"time", "date"})
# kind -> kinds of column it can judge
FITS: dict[str, frozenset[str]] = {
    "required": frozenset({"text", "integer", "number", "boolean", "time", "date"}),
    "range": NUMBERS,
    "code_list": frozenset({"text", "integer"}),
    "pattern": frozenset({"text"}),
    "max_length": frozenset({"text"}),
    "not_future": TIMES,
    "timely": TIMES,
    "id_number": frozenset({"text"}),
    "credit_code": frozenset({"text"}),
    "unique": frozenset({"text", "integer", "number", "boolean", "time", "date"}),
    "reference": frozenset({"text", "integer"}),
    "compare": frozenset({"text", "integer", "number", "time", "date"}),
}
MOST_CODES = 2_000


def checked_rule(spec: DatasetSpec, rule: RuleSpec) -> RuleSpec:
    """The rule, when the dataset can be held to it. Raises BadInput with every problem."""
    problems = _problems(spec, rule)
    if problems:
        raise BadInput([Problem(None, field, why) for field, why in problems])
    return rule


def _problems(spec: DatasetSpec, rule: RuleSpec) -> list[tuple[str, Any]]:
    columns = {column.code: column for column in spec.columns}
    column = columns.get(rule.column)
    if column is None:
        return [("column", _("There is no such column."))]
    if column.kind not in FITS[rule.kind]:
        return [("column", _("This rule cannot judge a column of that kind."))]
    params = rule.params
    if rule.kind == "range":
        low, high = params.get("min"), params.get("max")
        if low is None and high is None:
            return [("min", _("A range needs a lower or an upper end."))]
        if low is not None and high is not None and low > high:
            return [("max", _("The upper end lies below the lower one."))]
    if rule.kind == "code_list":
        codes = params.get("codes") or []
        if not 0 < len(codes) <= MOST_CODES:
            return [("codes", _("Write the allowed values, up to %(n)s.") % {"n": MOST_CODES})]
        if column.kind == "integer" and not all(_whole(code) for code in codes):
            return [("codes", _("The column holds whole numbers, so the values have to be some."))]
    if rule.kind == "pattern":
        fault = form_fault(str(params.get("form", ""))) if params.get("form") else _("Write the pattern.")
        if fault:
            return [("form", fault)]
    if rule.kind == "max_length" and not 0 < int(params.get("characters") or 0) <= 100_000:
        return [("characters", _("Write how many characters are allowed."))]
    if rule.kind == "timely":
        if not 0 < float(params.get("hours") or 0) <= 24 * 3_660:
            return [("hours", _("Write within how many hours a row has to come."))]
        if rule.on_fail == "reject":
            return [("on_fail", _("A late row is still true: this rule can only warn."))]
    if rule.kind == "compare":
        return _compare_problems(columns, rule)
    if rule.kind == "unique":
        strange = [name for name in params.get("with", ()) if name not in columns or name == rule.column]
        return [("with", _("There is no such column."))] if strange else []
    if rule.kind == "reference":
        return _reference_problems(spec, rule)
    return []


def _whole(code: Any) -> bool:
    text = str(code)
    return text.isascii() and text.removeprefix("-").isdigit() and len(text) < 19


def _compare_problems(columns: dict[str, Any], rule: RuleSpec) -> list[tuple[str, Any]]:
    other = columns.get(str(rule.params.get("other", "")))
    if other is None or other.code == rule.column:
        return [("other", _("Choose another column to compare with."))]
    if rule.params.get("op") not in COMPARE:
        return [("op", _("Choose how the two are compared."))]
    kinds = {columns[rule.column].kind, other.kind}
    if not (kinds <= NUMBERS or kinds <= TIMES or kinds == {"text"}):
        return [("other", _("These two columns are of kinds that cannot be compared."))]
    return []


def _reference_problems(spec: DatasetSpec, rule: RuleSpec) -> list[tuple[str, Any]]:
    known, why = known_values(spec, rule)
    words = {
        "no_dataset": _("There is no such dataset."),
        "no_column": _("The register has no such column."),
        "no_right": _("The register is another organisation's and not shared with this dataset's rules."),
        "empty": _("The register holds no rows yet."),
        "too_many": _("The register holds more values than a rule can ask for."),
    }
    return [] if known is not None else [("dataset", words[why])]


# ---------------------------------------------------------------- the writers


@transaction.atomic
def save_rule(
    *, dataset_code: str, rule: RuleSpec, by: Any, active: bool = True, note: str = ""
) -> QualityRule:
    """Add a rule or change one, by its code. Holds from the next delivery on."""
    dataset = _locked(dataset_code)
    require(may_change_rules(by, dataset))
    checked_rule(spec_for(dataset), rule)
    row = dataset.rules.filter(code=rule.code).first()
    before = _said(row) if row is not None else None
    if row is None:
        row = QualityRule(dataset=dataset, code=rule.code)
    for name, value in rule.model_dump().items():
        setattr(row, name, value)
    row.active, row.changed_by, row.changed_at = active, by, clock.now()
    row.save()
    _settle(dataset, by, row, before, note)
    return row


@transaction.atomic
def switch_rule(*, dataset_code: str, code: str, active: bool, by: Any, note: str = "") -> QualityRule:
    """Off: rows are no longer held to it, and its incident ends with the next delivery."""
    dataset = _locked(dataset_code)
    require(may_change_rules(by, dataset))
    row = dataset.rules.select_for_update().filter(code=code).first()
    if row is None:
        raise BadInput(Problem(None, "code", _("There is no such rule.")))
    if row.active == active:
        raise Conflict(_("Somebody was there before you: the rule is like that already."))
    if active:
        checked_rule(spec_for(dataset), _spec_of_row(row))
    before = _said(row)
    row.active, row.changed_by, row.changed_at = active, by, clock.now()
    row.save(update_fields=["active", "changed_by", "changed_at"])
    _settle(dataset, by, row, before, note)
    return row


@transaction.atomic
def restore_rule(*, dataset_code: str, code: str, by: Any, note: str = "") -> QualityRule:
    """As its declaration has it."""
    dataset = _locked(dataset_code)
    require(may_change_rules(by, dataset))
    row = dataset.rules.select_for_update().filter(code=code, declared__isnull=False).first()
    if row is None:
        raise BadInput(Problem(None, "code", _("No declaration names this rule.")))
    before = _said(row)
    for name, value in RuleSpec.model_validate(row.declared).model_dump().items():
        setattr(row, name, value)
    row.active, row.changed_by, row.changed_at = True, None, None
    row.save()
    _settle(dataset, by, row, before, note)
    return row


def _locked(code: str) -> Dataset:
    return Dataset.objects.select_for_update().get(pk=find_dataset(code).pk)


def _settle(dataset: Dataset, by: Any, row: QualityRule, before: dict[str, Any] | None, note: str) -> None:
    """The declaration's revision rises, so that every process reads the rules anew."""
    dataset.revision += 1
    dataset.save(update_fields=["revision"])
    note_move(dataset, Action.CHANGE, dataset.status, by=by, note=note or f"{row.code}")
    audit(
        actor=by,
        action="datahub.change_rule",
        target_ref=dataset.ref,
        reason=note[:500],
        body={"rule": row.code, "before": before, "after": _said(row)},
    )


def _spec_of_row(row: QualityRule) -> RuleSpec:
    return RuleSpec.model_validate({name: getattr(row, name) for name in RuleSpec.model_fields})


def _said(row: QualityRule) -> dict[str, Any]:
    return {**_spec_of_row(row).model_dump(), "active": row.active}


def rule_spec(dataset_code: str, code: str) -> RuleSpec | None:
    """A rule as it stands, switched on or not."""
    row = QualityRule.objects.filter(dataset__code=dataset_code, code=code).first()
    return _spec_of_row(row) if row is not None else None


def free_code(dataset_code: str, rule: RuleSpec) -> str:
    """A name for a new rule that none has yet."""
    taken = set(QualityRule.objects.filter(dataset__code=dataset_code).values_list("code", flat=True))
    stem = f"{rule.column}_{rule.kind}"[:58]
    return next(name for n in range(1, 1_000) if (name := stem if n == 1 else f"{stem}_{n}") not in taken)
