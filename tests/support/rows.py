"""The least that a row of any table needs: for pages that only have to be there."""

from typing import Any

from django.db.models import CharField, DateField, DateTimeField, FileField, Model, TextField

from commandcenter.core import clock


def least(model: type[Any], **known: Any) -> Any:
    return model._base_manager.create(**least_values(model, known), **known)


def least_values(model: type[Model], known: Any = ()) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in model._meta.concrete_fields:
        if one.name in known or one.primary_key or one.has_default() or one.null or one.is_relation:
            continue
        if one.choices:
            found[one.name] = one.choices[0][0]
        elif isinstance(one, CharField | TextField | FileField):
            found[one.name] = "" if one.blank else "x"
        elif isinstance(one, DateField):
            at = clock.now()
            found[one.name] = at if isinstance(one, DateTimeField) else at.date()
        else:
            found[one.name] = 1
    return found
