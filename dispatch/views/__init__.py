"""The pages of dispatch, one module per screen."""

from .inbox import export, inbox
from .order import act, order
from .review import review
from .scores import score_rows, scores

__all__ = ["act", "export", "inbox", "order", "review", "score_rows", "scores"]
