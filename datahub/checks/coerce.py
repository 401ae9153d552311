"""Values become what their column says, vectorised; what cannot is told apart, never guessed."""

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from datahub.declare import Kind, MappingSpec
from datahub.faults import Reason

UTC_TIME = pa.timestamp("us", "UTC")
TYPES: dict[Kind, pa.DataType] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "time": UTC_TIME,
    "date": pa.date32(),
}
REASONS: dict[Kind, Reason] = {
    "text": Reason.NOT_TEXT,
    "integer": Reason.NOT_INTEGER,
    "number": Reason.NOT_NUMBER,
    "boolean": Reason.NOT_BOOLEAN,
    "time": Reason.NOT_TIME,
    "date": Reason.NOT_DATE,
}
YES, NO = ("true", "1", "yes", "y", "t", "是", "有"), ("false", "0", "no", "n", "f", "否", "无")
NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$"
INTEGER = r"^[+-]?\d{1,18}(\.0*)?$"
TIME_FORMATS = (
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d",
    "%Y年%m月%d日 %H:%M:%S",
    "%Y年%m月%d日 %H:%M",
    "%Y年%m月%d日",
    "%Y%m%d%H%M%S",
    "%Y%m%d",
    "%m/%d/%Y %I:%M:%S %p",
    "%Y.%m.%d %H:%M:%S",
    "%Y.%m.%d",
)
# Shanghai has stood at +08:00 since its last summer time ended in September 1991.
FIXED_OFFSET_US = {"Asia/Shanghai": 8 * 3_600_000_000, "UTC": 0}
FIXED_SINCE_US = int(datetime(1992, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
EARLIEST_US = int(datetime(1800, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
LATEST_US = int(datetime(2200, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000

Coerced = tuple[pa.Array, np.ndarray | None]  # the values, and which of them did not fit


def coerce(array: pa.Array, kind: Kind, mapping: MappingSpec) -> Coerced:
    """The array in the column's type; the mask is None when everything fits. Misfits become null."""
    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    if pa.types.is_null(array.type):
        return pa.nulls(len(array), TYPES[kind]), None
    if pa.types.is_large_string(array.type) or pa.types.is_string_view(array.type):
        array = array.cast(pa.string())
    if pa.types.is_string(array.type):
        array = _with_nulls(array, mapping.null_tokens)
    return _COERCERS[kind](array, mapping)


def _with_nulls(array: pa.Array, tokens: tuple[str, ...]) -> pa.Array:
    null = pc.is_in(array, value_set=pa.array(tokens, pa.string()))
    return pc.if_else(null, pa.scalar(None, pa.string()), array) if pc.any(null).as_py() else array


def _mask(before: pa.Array, after: pa.Array) -> np.ndarray | None:
    """Where a value was lost."""
    if after.null_count == before.null_count:
        return None
    lost = pc.and_(pc.is_valid(before), pc.is_null(after))
    return lost.to_numpy(zero_copy_only=False)


def _text(array: pa.Array, mapping: MappingSpec) -> Coerced:
    if pa.types.is_string(array.type):
        return array, None
    try:
        return array.cast(pa.string()), None
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return pa.array([None if v is None else str(v) for v in array.to_pylist()], pa.string()), None


def _only(array: pa.Array, form: str) -> pa.Array:
    trimmed = pc.utf8_trim_whitespace(array)
    fits = pc.match_substring_regex(trimmed, form)
    return pc.if_else(fits, trimmed, pa.scalar(None, pa.string()))


def _number(array: pa.Array, mapping: MappingSpec) -> Coerced:
    if pa.types.is_string(array.type):
        try:
            made = array.cast(pa.float64())
        except pa.ArrowInvalid:
            made = pc.if_else(pc.is_valid(kept := _only(array, NUMBER)), kept, None).cast(pa.float64())
    else:
        made = _cast(array, pa.float64())
    if len(made) and not pc.all(pc.is_finite(made)).as_py():
        # NaN from a typed source is a missing value; infinity is a fault.
        nan = pc.fill_null(pc.is_nan(made), False)
        if not pa.types.is_string(array.type):
            array = pc.if_else(nan, pa.scalar(None, array.type), array)
        made = pc.if_else(pc.is_finite(made), made, pa.scalar(None, pa.float64()))
    return made, _mask(array, made)


def _integer(array: pa.Array, mapping: MappingSpec) -> Coerced:
    if pa.types.is_string(array.type):
        try:
            return (made := array.cast(pa.int64())), _mask(array, made)
        except pa.ArrowInvalid:
            whole = pc.replace_substring_regex(_only(array, INTEGER), r"\.0*$", "")
            made = pc.replace_substring_regex(whole, r"^\+", "").cast(pa.int64())
            return made, _mask(array, made)
    made = _cast(array, pa.int64())
    if pa.types.is_floating(array.type):
        array = pc.if_else(pc.fill_null(pc.is_nan(array), False), pa.scalar(None, array.type), array)
    return made, _mask(array, made)


def _boolean(array: pa.Array, mapping: MappingSpec) -> Coerced:
    if pa.types.is_boolean(array.type):
        return array, None
    lower = pc.utf8_lower(pc.utf8_trim_whitespace(_text(array, mapping)[0]))
    yes, no = pc.is_in(lower, value_set=pa.array(YES)), pc.is_in(lower, value_set=pa.array(NO))
    made = pc.if_else(yes, True, pc.if_else(no, False, pa.scalar(None, pa.bool_())))
    return made, _mask(array, made)


def _cast(array: pa.Array, to: pa.DataType) -> pa.Array:
    """Cast; where one value does not fit, each by itself, the misfits null."""
    try:
        return array.cast(to)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        made = []
        for value in array:
            try:
                made.append(value.cast(to))
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
                made.append(pa.scalar(None, to))
        return pa.array(made, to)


def _time(array: pa.Array, mapping: MappingSpec) -> Coerced:
    if pa.types.is_string(array.type):
        made = _parse_times(array, mapping)
    elif pa.types.is_timestamp(array.type):
        same = array.cast(pa.timestamp("us", array.type.tz), safe=False)
        made = same.cast(UTC_TIME) if array.type.tz else naive_to_utc(same, mapping.timezone)
    elif pa.types.is_date(array.type):
        made = naive_to_utc(array.cast(pa.timestamp("us")), mapping.timezone)
    else:
        return pa.nulls(len(array), UTC_TIME), array.is_valid().to_numpy(zero_copy_only=False)
    return _possible(array, made)


def _possible(array: pa.Array, made: pa.Array) -> Coerced:
    """Years that no record has are misfits; they would also lie outside what readers can show."""
    as_int = made.view(pa.int64())
    ends = pc.min_max(as_int)
    if ends["min"].is_valid and (ends["min"].as_py() < EARLIEST_US or ends["max"].as_py() > LATEST_US):
        fits = pc.and_(pc.greater_equal(as_int, EARLIEST_US), pc.less_equal(as_int, LATEST_US))
        made = pc.if_else(pc.fill_null(fits, False), made, pa.scalar(None, UTC_TIME))
    return made, _mask(array, made)


def naive_to_utc(array: pa.Array, zone: str) -> pa.Array:
    """Local times as UTC. In the hour that occurs twice the earlier is meant."""
    offset = FIXED_OFFSET_US.get(zone)
    as_int = array.view(pa.int64())
    first = pc.min(as_int).as_py()
    if offset is not None and (first is None or zone == "UTC" or first >= FIXED_SINCE_US):
        return pc.subtract(as_int, offset).view(UTC_TIME)
    aware = pc.assume_timezone(array, zone, ambiguous="earliest", nonexistent="latest")
    return aware.cast(UTC_TIME)


def _parse_times(array: pa.Array, mapping: MappingSpec) -> pa.Array:
    """ISO 8601 with or without offset first, then the mapping's formats, then common ones."""
    text = pc.utf8_trim_whitespace(array).to_pandas()
    aware = text.str.contains(r"[T ]\d\d:?\d\d.*(?:Z|[+-]\d\d:?\d\d)$", regex=True, na=False).to_numpy(
        dtype=bool
    )
    result = np.full(len(text), np.datetime64("NaT"), dtype="datetime64[us]")
    if aware.any():
        stamps = pd.to_datetime(text[aware], format="ISO8601", errors="coerce", utc=True)
        result[aware] = stamps.dt.tz_localize(None).to_numpy().astype("datetime64[us]")
    naive = np.full(len(text), np.datetime64("NaT"), dtype="datetime64[us]")
    todo = ~aware & text.notna().to_numpy()
    for form in ("ISO8601", *mapping.time_formats, *TIME_FORMATS):
        if not todo.any():
            break
        stamps = pd.to_datetime(text[todo], format=form, errors="coerce")
        naive[todo] = stamps.to_numpy().astype("datetime64[us]")
        todo &= np.isnat(naive)
    local = naive_to_utc(pa.array(naive, pa.timestamp("us")), mapping.timezone)
    return pc.coalesce(pa.array(result, pa.timestamp("us")).cast(UTC_TIME), local)


def _date(array: pa.Array, mapping: MappingSpec) -> Coerced:
    if pa.types.is_date32(array.type):
        return array, None
    if pa.types.is_string(array.type):
        utc = mapping.model_copy(update={"timezone": "UTC"})
        made = _parse_times(array, utc).cast(pa.timestamp("us")).cast(pa.date32(), safe=False)
    elif pa.types.is_timestamp(array.type) or pa.types.is_date(array.type):
        made = array.cast(pa.date32(), safe=False)
    else:
        return pa.nulls(len(array), pa.date32()), array.is_valid().to_numpy(zero_copy_only=False)
    return made, _mask(array, made)


_COERCERS: dict[Kind, Callable[[pa.Array, MappingSpec], Coerced]] = {
    "text": _text,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "time": _time,
    "date": _date,
}


def compose_times(parts: list[pa.Array], mapping: MappingSpec) -> Coerced:
    """Year, month, day, hour, minute, second, as many as given, as one time in UTC."""
    given = [coerce(part, "integer", mapping)[0] for part in parts]
    valid = np.ones(len(given[0]), dtype=bool)
    numbers = []
    for array in given:
        if array.null_count:
            valid &= array.is_valid().to_numpy(zero_copy_only=False)
            array = pc.fill_null(array, 0)
        numbers.append(array.to_numpy(zero_copy_only=False))
    while len(numbers) < 6:
        numbers.append(np.full(len(valid), 1 if len(numbers) < 3 else 0))
    year, month, day, hour, minute, second = numbers
    valid &= (year >= 1800) & (year <= 2200) & (month >= 1) & (month <= 12) & (day >= 1)
    valid &= (hour >= 0) & (hour < 24) & (minute >= 0) & (minute < 60) & (second >= 0) & (second < 60)
    months = np.where(valid, (year - 1970) * 12 + month - 1, 0).astype("datetime64[M]")
    first = months.astype("datetime64[D]")
    valid &= day <= ((months + 1).astype("datetime64[D]") - first).astype(np.int64)
    seconds = ((day - 1) * 24 + hour) * 3600 + minute * 60 + second
    stamps = first.astype("datetime64[us]") + np.where(valid, seconds, 0) * np.timedelta64(1_000_000, "us")
    array = pa.array(stamps, pa.timestamp("us"), mask=~valid)
    return naive_to_utc(array, mapping.timezone), None if valid.all() else ~valid
