"""The writers of push: keys, batches, subscriptions and their messages."""

from .keys import hash_of, issue_key, stop_key
from .messages import keep_messages
from .subscriptions import (
    change_subscription,
    make_subscription,
    pause_subscription,
    remove_subscription,
    unsaved,
    watch_subscriptions,
)
from .taking import Call, Refused, Taken, answer_to, take

__all__ = [
    "Call",
    "Refused",
    "Taken",
    "answer_to",
    "change_subscription",
    "hash_of",
    "issue_key",
    "keep_messages",
    "make_subscription",
    "pause_subscription",
    "remove_subscription",
    "stop_key",
    "take",
    "unsaved",
    "watch_subscriptions",
]
