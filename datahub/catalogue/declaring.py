"""From the browser's form to a declaration, and back from a proposal to the form. No database here."""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from datahub.declare import ColumnSpec, DatasetSpec, MappingSpec, RuleSpec

from .duplicates import Asked
from .forms import cycle_of, words_of
from .proposing import PARTS, Found
from .short import LAWS


def initial_dataset(found: Found, *, file_name: str = "") -> dict[str, Any]:
    """What the dataset's form shows at first."""
    stem = re.sub(r"(\.csv|\.gz|\.xlsx|\.json[l]?|\.parquet|\.txt)+$", "", file_name, flags=re.IGNORECASE)
    slug = re.sub(r"[^a-z0-9]+", "_", stem.lower()).strip("_")
    slug = slug if re.match(r"[a-z]", slug) else "dataset"
    privacy = "personal" if any(one.personal for one in found.columns) else "internal"
    names = [one.name for one in found.columns if one.use and not one.personal][:8]
    return {
        "code": f"city.{slug[:60]}",
        "name": stem[:200],
        "summary": f"{'、'.join(names)}等数据项。" if names else "",
        "origin": "government",
        "format": "file",
        "lateness_days": 1,
        "privacy_class": privacy,
        "share_basis": LAWS[privacy],
        "share_type": "conditional",
        "open_type": "closed",
        "markers": " ".join(found.markers),
        "timezone": found.timezone,
        "datum": found.datum,
        "geometry": found.geometry,
        "composed_code": "at" if found.parts else "",
        "composed_name": "时间" if found.parts else "",
        "composed_key": found.key_of_parts,
        **{f"part_{part}": header for part, header in found.parts.items()},
    }


def initial_columns(found: Found) -> list[dict[str, Any]]:
    names = ("header", "use", "code", "name", "name_en", "kind", "unit", "role", "key", "required")
    more = ("personal", "grade")
    return [{name: getattr(column, name) for name in (*names, *more)} for column in found.columns]


def code_list_of(text: str) -> dict[str, str]:
    """`1 = 一级` by line, or bare codes separated by commas."""
    found: dict[str, str] = {}
    for line in text.replace("，", ",").splitlines():
        for part in [line] if "=" in line else line.split(","):
            code, _, meaning = part.partition("=")
            if code.strip():
                found[code.strip()] = meaning.strip()
    return found


def spec_from(dataset: dict[str, Any], columns: Sequence[dict[str, Any]]) -> DatasetSpec:
    """The declaration that cleaned forms say. Raises pydantic's ValidationError where it cannot be."""
    used = [column for column in columns if column.get("use")]
    parts = tuple(dataset[f"part_{part}"] for part in PARTS if dataset.get(f"part_{part}"))
    composed = dataset["composed_code"] if parts else ""
    specs = [_column(column) for column in used]
    keys = [column["code"] for column in used if column["key"]]
    if composed:
        name = dataset["composed_name"] or composed
        specs.append(ColumnSpec(code=composed, kind="time", name=name, required=True))
        keys += [composed] if dataset["composed_key"] else []
    constants = {}
    if dataset["constant_code"]:
        constants = {dataset["constant_code"]: dataset["constant_value"]}
        name = dataset["constant_name"] or dataset["constant_code"]
        specs.append(ColumnSpec(code=dataset["constant_code"], kind="text", name=name))

    def with_role(role: str) -> str:
        return next((column["code"] for column in used if column["role"] == role), "")

    time = with_role("time") or composed
    taken = {column["header"] for column in used} | set(parts)
    mapping = MappingSpec(
        name="default",
        rename={column["header"]: column["code"] for column in used},
        compose={composed: parts} if composed else {},
        constants=constants,
        ignore=tuple(column["header"] for column in columns if column["header"] not in taken),
        null_tokens=("", *dataset["markers"].split()),
        timezone=dataset["timezone"],
        geometry=dataset.get("geometry") or "point",
        datum=dataset["datum"] if dataset.get("geometry") else "",  # else the standard's would hold
    )
    return DatasetSpec(
        code=dataset["code"],
        name=dataset["name"],
        name_en=dataset["name_en"],
        summary=dataset["summary"],
        domain=dataset["domain"],
        provider=dataset["provider"],
        privacy_class=dataset["privacy_class"],
        origin=dataset["origin"],
        format=dataset["format"],
        share_type=dataset["share_type"],
        share_basis=dataset["share_basis"],
        open_type=dataset["open_type"],
        licence=dataset["licence"],
        theme=dataset["theme"],
        tags=tuple(words_of(dataset["tags"])),
        update_cycle=cycle_of(dataset["update_cycle"]),
        lateness_limit=timedelta(days=dataset["lateness_days"]),
        time_column=time,
        subject_column=with_role("subject"),
        key_columns=tuple(keys),
        lon_column=with_role("lon"),
        lat_column=with_role("lat"),
        datum=dataset["datum"],
        columns=tuple(specs),
        rules=tuple(_rules(used)),
        mappings=(mapping,),
    )


def _column(column: dict[str, Any]) -> ColumnSpec:
    return ColumnSpec(
        code=column["code"],
        kind=column["kind"],
        name=column["name"],
        name_en=column["name_en"],
        unit=column["unit"],
        required=column["required"] or column["key"] or column["role"] == "time",
        personal=column["personal"],
        grade=column["grade"],
        code_list=code_list_of(column["codes"]),
    )


def _rules(used: Sequence[dict[str, Any]]) -> list[RuleSpec]:
    rules = []
    for column in used:
        code, kind = column["code"], column["kind"]
        limits = {"min": column["low"], "max": column["high"]}
        params = {name: value for name, value in limits.items() if value is not None}
        if params and kind in ("integer", "number"):
            rules.append(RuleSpec(code=f"{code}_range", kind="range", column=code, params=params))
        listed = code_list_of(column["codes"])
        if listed and kind == "text":
            rules.append(
                RuleSpec(code=f"{code}_list", kind="code_list", column=code, params={"codes": list(listed)})
            )
        if column["role"] == "time":
            params = {"minutes": 1440}
            rules.append(RuleSpec(code=f"{code}_future", kind="not_future", column=code, params=params))
    return rules


def asked_of(spec: DatasetSpec) -> list[Asked]:
    """The columns as the duplicate guard compares them: by every name they go by."""
    headers = {code: header for mapping in spec.mappings for header, code in mapping.rename.items()}
    return [
        Asked(column.name, (column.code, column.name, column.name_en, headers.get(column.code, "")))
        for column in spec.columns
    ]
