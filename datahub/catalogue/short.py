"""Short hand for packs: one line a column, so that a domain's datasets can be read on a page.

A column is written `code:kind 中文名 | English name [unit] marks`. Marks: `!` required, `*` personal
(a token in the lake), `?` proposed: the provider has not confirmed it, `L2`…`L4` its grade. The kind
may be left out for text.
"""

import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from datahub.declare import ColumnSpec, DatasetSpec, RuleSpec

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
WEEK, MONTH, YEAR = timedelta(days=7), timedelta(days=30), timedelta(days=365)
KINDS = {"": "text", "n": "number", "i": "integer", "t": "time", "d": "date", "b": "boolean"}
_LINE = re.compile(
    r"^(?P<code>[a-z][a-z0-9_]*)(?::(?P<kind>[nitdb]))?\s+(?P<name>[^|\[]+?)\s*\|\s*(?P<name_en>[^\[!*?]+?)"
    r"\s*(?:\[(?P<unit>[^\]]+)\])?\s*(?P<marks>(?:[!*?]|L[1-4]|\s)*)$"
)
LAWS = {
    # Who else may have it, and why not everybody: the article a condition rests on.
    "internal": "政务数据共享条例：按履职需要有条件共享",
    "personal": "个人信息保护法第十三条、第三十四条：限于履行法定职责所必需",
    "sensitive": "个人信息保护法第二十八条至第三十条：敏感个人信息，须单独必要性说明",
}


def column(line: str) -> ColumnSpec:
    """Raises ValueError for a line that cannot be read."""
    found = _LINE.match(line.strip())
    if found is None:
        raise ValueError(f"not a column: {line!r}")
    marks = found["marks"]
    grade = re.search(r"L[1-4]", marks)
    return ColumnSpec.model_validate(
        {
            "code": found["code"],
            "kind": KINDS[found["kind"] or ""],
            "name": found["name"].strip(),
            "name_en": found["name_en"].strip(),
            "unit": found["unit"] or "",
            "required": "!" in marks,
            "personal": "*" in marks,
            "proposed": "?" in marks,
            "grade": grade.group() if grade else ("L3" if "*" in marks else "L1"),
        }
    )


def dataset(
    code: str,
    name: str,
    name_en: str,
    columns: str,
    *,
    domain: str,
    function: str,
    key: str,
    cycle: timedelta | None,
    time: str = "",
    subject: str = "",
    privacy: str = "internal",
    origin: str = "government",
    proposed: bool = True,
    at: bool = False,
    ranges: dict[str, tuple[float | None, float | None]] | None = None,
    tags: str = "",
    **more: Any,
) -> DatasetSpec:
    """A dataset of the city. `function`: of the organisation that provides it. `at`: rows have a place.

    `proposed`: no provider has confirmed the fields yet; the catalogue says so at each of them.
    """
    made = [column(line) for line in columns.strip().splitlines()]
    if proposed:
        made = [one.model_copy(update={"proposed": True}) for one in made]
    if at:
        made += [
            ColumnSpec(
                code="lon", kind="number", name="经度", name_en="Longitude", unit="°", proposed=proposed
            ),
            ColumnSpec(
                code="lat", kind="number", name="纬度", name_en="Latitude", unit="°", proposed=proposed
            ),
        ]
    keys = tuple(key.split())
    made = [one.model_copy(update={"required": True}) if one.code in (*keys, time) else one for one in made]
    open_to_all = privacy == "none"
    return DatasetSpec.model_validate(
        {
            "code": code,
            "name": name,
            "name_en": name_en,
            "summary": f"{name}：{'、'.join(one.name for one in made[:8])}等数据项。",
            "domain": domain,
            "provider": f"3206-{function}",
            "privacy_class": privacy,
            "origin": origin,
            "format": "stream" if origin == "sensed" else "table",
            "share_type": "unconditional" if open_to_all else "conditional",
            "share_basis": LAWS.get(privacy, ""),
            "update_cycle": cycle,
            "lateness_limit": lateness_of(cycle),
            "time_column": time,
            "subject_column": subject or keys[0],
            "key_columns": keys,
            "lon_column": "lon" if at else "",
            "lat_column": "lat" if at else "",
            "columns": tuple(made),
            "rules": tuple(rules_of(made, time, ranges or {})),
            "tags": tuple(tags.split()),
            **more,
        }
    )


def lateness_of(cycle: timedelta | None) -> timedelta:
    """Rows older than this are history: a day for what flows, two cycles for what comes slowly."""
    return max(DAY, cycle * 2) if cycle else MONTH


def rules_of(
    columns: Iterable[ColumnSpec], time: str, ranges: dict[str, tuple[float | None, float | None]]
) -> Iterable[RuleSpec]:
    for name, (low, high) in ranges.items():
        params = {word: end for word, end in (("min", low), ("max", high)) if end is not None}
        yield RuleSpec(code=f"{name}_range", kind="range", column=name, params=params)
    for one in columns:
        if one.code == time:
            params = {"minutes": 90}
            yield RuleSpec(code=f"{time}_not_future", kind="not_future", column=time, params=params)
