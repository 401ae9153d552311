"""The writers of push: keys, batches, subscriptions and their messages."""

from .keys import hash_of, issue_key, stop_key
from .taking import Call, Refused, Taken, answer_to, take

__all__ = ["Call", "Refused", "Taken", "answer_to", "hash_of", "issue_key", "stop_key", "take"]
