"""Take a form or one of its fields by name, which templates cannot."""

from typing import Any

from django import forms, template

register = template.Library()


@register.simple_tag
def form_of(named: Any, name: str) -> Any:
    """The form of this name; a single form is itself."""
    return named.get(name) if isinstance(named, dict) else named


@register.simple_tag
def choice_of(form: forms.Form, name: str) -> Any:
    return form[name]
