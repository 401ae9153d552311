"""Tags of the hotline's pages."""

from django import template

from commandcenter.core.masking import mask_text

from ..states import TicketState

register = template.Library()

TONES = {
    TicketState.NEW: "orange",
    TicketState.AWAITING_DISPATCH: "orange",
    TicketState.DISPATCHED: "accent",
    TicketState.AWAITING_CALLBACK: "accent",
    TicketState.ANSWERED: "green",
    TicketState.CLOSED: "green",
}


@register.filter
def state_tone(state: str) -> str:
    """The badge's colour: orange waits for us, accent runs, green is done, grey is the rest."""
    return TONES.get(TicketState(state), "grey") if state in TicketState.values else "grey"


@register.filter
def masked(text: str) -> str:
    """Free text without phone and identity numbers."""
    return mask_text(text or "")
