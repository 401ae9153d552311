"""Words and tones of orders for templates."""

from django import template

from city.selectors import area, area_path_name
from commandcenter.core.templatetags.words import duration_words
from dispatch.models import Order, OrderMove
from dispatch.states import OrderState, Urgency

register = template.Library()

STATE_TONES = {
    OrderState.DISPATCHED: "accent",
    OrderState.SIGNED: "grey",
    OrderState.HANDLED: "accent",
    OrderState.CLOSED: "green",
    OrderState.RETURN_REVIEW: "accent",
    OrderState.RETURNED: "grey",
    OrderState.CANCELLED: "grey",
}
# Red and orange belong to warnings; urgency is told by its word, and the critical one by weight.
URGENCY_CLASSES = {Urgency.NORMAL: "urgency", Urgency.URGENT: "urgency urgency-urgent"}


@register.filter
def state_tone(order: Order) -> str:
    return STATE_TONES.get(order.state, "grey")  # type: ignore[call-overload]


@register.filter
def urgency_class(order: Order) -> str:
    return URGENCY_CLASSES.get(order.urgency, "urgency urgency-critical")  # type: ignore[call-overload]


@register.filter
def area_words(code: str) -> str:
    """The area's own name."""
    found = area(code)
    return found.name if found else code


@register.filter
def area_path_words(code: str) -> str:
    return area_path_name(code)


@register.filter
def duration(seconds: float | None) -> str:
    return "" if seconds is None else duration_words(seconds)


@register.filter
def move_tone(move: OrderMove) -> str:
    """Green for in time, red for late, else nothing."""
    return "" if move.on_time is None else ("green" if move.on_time else "red")


@register.filter
def share_percent(score: float | None, full: float) -> int:
    return 0 if score is None or not full else round(100 * score / full)
