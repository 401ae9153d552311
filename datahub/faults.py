"""What can be wrong with a row or a file; and the switch that lets a test kill a delivery between steps."""

import os
import signal
from dataclasses import dataclass, field
from typing import NamedTuple

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Reason(TextChoices):
    """Why a row was rejected."""

    FIELD_COUNT = "field_count", _("wrong number of fields")
    UNDECODABLE = "undecodable", _("bytes that are no text in the file's encoding")
    BAD_RECORD = "bad_record", _("not a readable record")
    REQUIRED = "required", _("a required value is missing")
    NOT_INTEGER = "not_integer", _("not a whole number")
    NOT_NUMBER = "not_number", _("not a number")
    NOT_BOOLEAN = "not_boolean", _("neither yes nor no")
    NOT_TIME = "not_time", _("not a time")
    NOT_DATE = "not_date", _("not a date")
    NOT_TEXT = "not_text", _("not a text")
    OUT_OF_RANGE = "out_of_range", _("outside the allowed range")
    NOT_IN_LIST = "not_in_list", _("not in the code list")
    PATTERN = "pattern", _("not of the required form")
    TOO_LONG = "too_long", _("longer than allowed")
    IN_FUTURE = "in_future", _("lies in the future")
    DUPLICATE_KEY = "duplicate_key", _("the key occurs earlier in the same delivery")
    COORDINATES = "coordinates", _("coordinates outside the possible range")
    ID_NUMBER = "id_number", _("not a valid citizen identity number")
    CREDIT_CODE = "credit_code", _("not a valid unified social credit code")
    NOT_IN_REGISTER = "not_in_register", _("not found in the register")
    REPEATED = "repeated", _("the value occurs earlier in the same delivery")
    CONTRADICTS = "contradicts", _("contradicts another column")
    TOO_OLD = "too_old", _("came too late after its time")
    NOT_POINT = "not_point", _("a shape that is no point")
    NO_RESULT = "no_result", _("a formula without a result, or an error of the sheet")
    REPEATED_NAME = "repeated_name", _("a name occurs twice in one record")
    ERASED = "erased", _("belongs to a person who was erased")


class Refused(TextChoices):
    """Why a whole delivery was refused."""

    EMPTY = "empty", _("the file is empty")
    NO_ROWS = "no_rows", _("the file holds no rows")
    NO_ROW_PASSED = "no_row_passed", _("no row passed the checks")
    WRONG_TYPE = "wrong_type", _("the file is of a kind that is not taken here")
    MISSING_COLUMNS = "missing_columns", _("required columns are missing")
    REPEATED_HEADER = "repeated_header", _("a column name occurs twice in the header")
    LINE_TOO_LONG = "line_too_long", _("a line is longer than allowed")
    TRUNCATED = "truncated", _("the file ends too early")
    DAMAGED = "damaged", _("the file is damaged")
    TOO_LARGE = "too_large", _("the file is larger than this format allows")
    NO_MAPPING = "no_mapping", _("no such mapping")
    NO_SHEET = "no_sheet", _("no such sheet in the workbook")
    DATUM = "datum", _("coordinates of a reference system that is not taken here")
    LOST = "lost", _("the process ended and the source is gone or changed; deliver again")
    FAILED = "failed", _("the delivery failed")


@dataclass
class Refusal(Exception):
    """The whole file cannot be taken. row: 1-based data row reached, where known."""

    code: Refused
    detail: str = ""
    row: int | None = None
    column: str = ""

    def __str__(self) -> str:
        where = f"row {self.row}: " if self.row is not None else ""
        return f"{where}{self.code.label}{': ' + self.detail if self.detail else ''}"


class Fault(NamedTuple):
    """One thing wrong with one row. row: 0-based within its block until the delivery numbers it."""

    row: int
    column: str
    reason: str
    raw: str
    detail: str = ""


@dataclass
class Notes:
    """What the steward should know though it stopped nothing: encoding, columns ignored or filled."""

    lines: list[dict[str, str]] = field(default_factory=list)

    def add(self, code: str, detail: str) -> None:
        line = {"code": code, "detail": detail}
        if line not in self.lines:
            self.lines.append(line)


STEPS = (
    "received",
    "parsed",
    "mid_stream",
    "staged",
    "checked",
    "lake_committed",
    "committed",
    "mid_taps",
    "tapped",
)


def reach(step: str) -> None:
    """A step of a delivery is reached; die here, without a word, when the environment asks for it."""
    if os.environ.get("CC_DATAHUB_DIE_AT") == step:
        os.kill(os.getpid(), signal.SIGKILL)
