"""What a dataset is, as a declaration: packs are written in it, the catalogue is turned into it.

Everything below the services works on these values and knows no database.
"""

from datetime import timedelta
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Kind = Literal["text", "integer", "number", "boolean", "time", "date"]
Datum = Literal["cgcs2000", "wgs84", "gcj02"]
RuleKind = Literal[
    "required",
    "range",
    "code_list",
    "pattern",
    "max_length",
    "not_future",
    "id_number",
    "credit_code",
    "unique",
    "reference",
    "compare",
    "timely",
]

NULL_TOKENS = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "\\N")
TIME_PARTS = ("year", "month", "day", "hour", "minute", "second")


class Spec(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ColumnSpec(Spec):
    """One column. name, name_en: what people call it; grade: L1–L4 within 一般数据."""

    code: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    kind: Kind
    name: str
    name_en: str = ""
    unit: str = ""
    required: bool = False
    personal: bool = False
    grade: Literal["L1", "L2", "L3", "L4"] = "L1"
    summary: str = ""
    code_list: dict[str, str] = {}  # code -> what it means
    proposed: bool = False  # the provider has not confirmed this column yet


class RuleSpec(Spec):
    """One quality rule. A row that fails a `reject` rule stays out; a `note` rule only counts.

    tolerance: share of rows that may fail before it is an incident; None: the city's default.
    """

    code: str
    kind: RuleKind
    column: str
    params: dict[str, Any] = {}
    on_fail: Literal["reject", "note"] = "reject"
    tolerance: float | None = Field(default=None, ge=0, le=1)


def rule_columns(rule: RuleSpec) -> list[str]:
    """All columns that a rule looks at."""
    if rule.kind == "compare":
        return [rule.column, str(rule.params.get("other", ""))]
    return [rule.column, *(str(name) for name in rule.params.get("with", ()) if rule.kind == "unique")]


class MappingSpec(Spec):
    """How a source writes the dataset.

    rename: header in the source -> column. compose: a time column -> the headers of its year,
    month, day, hour, minute, second, as many as there are. constants: column -> value for all
    rows. timezone: of times without an offset. ignore: headers known and not wanted. sheet: of a
    workbook; '' the first one shown. datum: of this source's coordinates; '' what its format or the
    dataset says. geometry: what becomes of a shape that is no point: refused, or its centroid.
    """

    name: str = "default"
    rename: dict[str, str] = {}
    compose: dict[str, tuple[str, ...]] = {}
    constants: dict[str, str] = {}
    ignore: tuple[str, ...] = ()
    null_tokens: tuple[str, ...] = NULL_TOKENS
    timezone: str = "Asia/Shanghai"
    time_formats: tuple[str, ...] = ()
    delimiter: str = ""
    encoding: str = ""
    sheet: str = ""
    datum: Datum | Literal[""] = ""
    geometry: Literal["point", "centroid"] = "point"


def columns_of(mapping: MappingSpec) -> set[str]:
    """All columns that a mapping speaks of."""
    return {*mapping.rename.values(), *mapping.compose, *mapping.constants}


class DatasetSpec(Spec):
    """A dataset of the catalogue, whole."""

    code: str = Field(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")
    name: str
    name_en: str = ""
    summary: str = ""
    domain: str = ""
    provider: str = ""
    area_code: str = ""
    privacy_class: Literal["none", "internal", "personal", "sensitive"] = "none"
    origin: Literal["government", "accepted", "sensed", "internet"] = "government"
    format: Literal["table", "file", "service", "stream"] = "table"
    class_code: str = Field(default="", pattern=r"^(\d{6,12})?$")  # 类/项/目/细目; '' lets the hub derive it
    share_type: Literal["unconditional", "conditional", "none"] = "conditional"
    share_basis: str = ""  # the article that a condition or a refusal rests on
    open_type: Literal["open", "conditional", "closed"] = "closed"
    licence: str = ""  # of an open dataset: a key of datahub.portal.licences; '' is the city's own
    theme: str = ""
    tags: tuple[str, ...] = ()
    update_cycle: timedelta | None = None
    lateness_limit: timedelta = timedelta(days=1)
    keep_days: int | None = Field(default=None, ge=1)  # rows of older days are removed; None: never
    time_column: str = ""
    subject_column: str = ""
    key_columns: tuple[str, ...] = ()
    lon_column: str = ""
    lat_column: str = ""
    datum: Datum = "cgcs2000"
    columns: tuple[ColumnSpec, ...]
    rules: tuple[RuleSpec, ...] = ()
    mappings: tuple[MappingSpec, ...] = ()

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        codes = [column.code for column in self.columns]
        if len(set(codes)) != len(codes):
            raise ValueError("a column is declared twice")
        named = [self.time_column, self.subject_column, self.lon_column, self.lat_column, *self.key_columns]
        named += [rule.column for rule in self.rules]
        for mapping in self.mappings:
            named += columns_of(mapping)
        unknown = sorted({name for name in named if name} - set(codes))
        if unknown:
            raise ValueError(f"no such column: {', '.join(unknown)}")
        if self.time_column and self.column(self.time_column).kind not in ("time", "date"):
            raise ValueError("the time column holds no times")
        if any(column.personal and column.kind != "text" for column in self.columns):
            raise ValueError("a personal column is kept as a token, so it is declared as text")
        if bool(self.lon_column) != bool(self.lat_column):
            raise ValueError("a longitude needs a latitude")
        for rule in self.rules:
            others = [name for name in rule_columns(rule) if name not in codes]
            if others:
                raise ValueError(f"rule {rule.code}: no such column: {', '.join(others)}")
        return self

    def column(self, code: str) -> ColumnSpec:
        return next(column for column in self.columns if column.code == code)

    def mapping(self, name: str) -> MappingSpec | None:
        return next((one for one in self.mappings if one.name == name), None)
