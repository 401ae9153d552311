"""Parameters of CKAN's actions: from an address everything is text, from JSON it has types."""

import json
from typing import Any


class Invalid(Exception):
    """CKAN's Validation Error: parameter -> what is wrong with it."""

    def __init__(self, problems: dict[str, list[str]]) -> None:
        super().__init__(str(problems))
        self.problems = problems


class NotThere(Exception):
    """CKAN's Not Found Error."""


def text(params: dict[str, Any], name: str, *, needed: bool = False) -> str:
    value = params.get(name)
    if value is None or value == "":
        if needed:
            raise Invalid({name: ["Missing value"]})
        return ""
    if isinstance(value, (dict, list)):
        raise Invalid({name: ["Must be a text"]})
    return str(value).replace("\x00", "")


def whole(params: dict[str, Any], name: str, otherwise: int | None) -> int | None:
    """A number from 0 up; -1 only where a facet means all."""
    value = params.get(name)
    if value is None or value == "":
        return otherwise
    try:
        number = int(str(value)) if not isinstance(value, (bool, float)) else int(value)
    except (ValueError, OverflowError) as error:
        raise Invalid({name: ["Invalid integer"]}) from error
    if number < (-1 if name == "facet.limit" else 0):
        raise Invalid({name: ["Must be a natural number"]})
    return min(number, 2**31)


def flag(params: dict[str, Any], name: str, otherwise: bool) -> bool:
    value = params.get(name)
    if value is None or value == "":
        return otherwise
    if isinstance(value, bool):
        return value
    said = str(value).strip().lower()
    if said in ("true", "t", "yes", "y", "on", "1"):
        return True
    if said in ("false", "f", "no", "n", "off", "0"):
        return False
    raise Invalid({name: ["Must be a truth value"]})


def listed(params: dict[str, Any], name: str) -> list[str]:
    """A list, its JSON, or texts with commas."""
    value = params.get(name)
    if value is None or value == "":
        return []
    if isinstance(value, str):
        value = decoded(value) if value.lstrip().startswith("[") else value.split(",")
    if not isinstance(value, list) or any(isinstance(one, (dict, list)) for one in value):
        raise Invalid({name: ["Not a list"]})
    return [str(one).strip() for one in value if str(one).strip()]


def mapping(params: dict[str, Any], name: str) -> dict[str, Any]:
    value = params.get(name)
    if value is None or value == "":
        return {}
    if isinstance(value, str):
        value = decoded(value)
    if not isinstance(value, dict):
        raise Invalid({name: ["Must be a JSON object"]})
    return value


def decoded(value: str) -> Any:
    """JSON that stands in a text; what is none stays the text."""
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value
