"""What happened. Every table but Cursor and FailedListener is append-only by database rights."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Cast

from .querysets import EventQuerySet, FactQuerySet


class TransactionId(models.Func):
    """The present transaction's 64-bit id, as a bigint."""

    function = "pg_current_xact_id"
    template = "(%(function)s()::text)::bigint"
    output_field = models.BigIntegerField()


def _xid() -> Any:
    return Cast(TransactionId(), models.BigIntegerField())


class Event(models.Model):
    """One thing that happened, written in the transaction that made it happen.

    xid orders events without passing a transaction that is still open: an event is *settled*
    once every transaction with a smaller or equal id has ended.
    """

    kind = models.CharField(max_length=64)
    body = models.JSONField()
    area_code = models.CharField(max_length=16, blank=True)
    audiences = ArrayField(models.CharField(max_length=64))
    at = models.DateTimeField()
    xid = models.BigIntegerField(db_default=_xid(), editable=False)

    objects = EventQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["xid", "id"]),
            models.Index(fields=["kind", "-at"]),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class EventPosition(models.Model):
    """The place of a settled event in the one order that screens and summaries follow; no gaps."""

    position = models.BigIntegerField(primary_key=True)
    event = models.OneToOneField(Event, on_delete=models.PROTECT, related_name="place")

    def __str__(self) -> str:
        return f"{self.position}"


class Fact(models.Model):
    """Something scorable. Scores are queries over moves and facts, nothing else."""

    kind = models.CharField(max_length=64)
    subject_ref = models.CharField(max_length=120)
    org_code = models.CharField(max_length=40)
    area_code = models.CharField(max_length=16, blank=True)
    happened_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=40, blank=True)
    value = models.DecimalField(max_digits=18, decimal_places=4, null=True)
    body = models.JSONField(default=dict)

    objects = FactQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["kind", "org_code", "happened_at"]),
            models.Index(fields=["subject_ref"]),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject_ref}"


class AuditEntry(models.Model):
    """Who did or was refused what, to what, and why."""

    at = models.DateTimeField()
    actor_id = models.BigIntegerField(null=True)
    actor = models.CharField(max_length=150, blank=True)
    action = models.CharField(max_length=80)
    target_ref = models.CharField(max_length=120, blank=True)
    reason = models.TextField(blank=True)
    result = models.CharField(max_length=20, default="ok")
    ip = models.GenericIPAddressField(null=True)
    body = models.JSONField(default=dict)
    xid = models.BigIntegerField(db_default=_xid(), editable=False)

    class Meta:
        indexes = [
            models.Index(fields=["xid", "id"]),
            models.Index(fields=["-at"]),
            models.Index(fields=["target_ref"]),
            models.Index(fields=["actor_id", "-at"]),
        ]
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.actor} {self.action}"


class AuditSeal(models.Model):
    """One link of the chain: mac = HMAC-SM3(previous mac + the entry's canonical form)."""

    position = models.BigIntegerField(primary_key=True)
    entry = models.OneToOneField(AuditEntry, on_delete=models.PROTECT, related_name="seal")
    mac = models.CharField(max_length=64)
    sealed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.position} {self.mac[:8]}"


class Redaction(models.Model):
    """That text of an append-only row was hidden, under which erasure; holds nothing of what it said.

    before, after: HMAC-SM3 of the row's content; the audit chain goes on from `before`.
    """

    table_name = models.CharField(max_length=63)
    row_id = models.BigIntegerField()
    cause_ref = models.CharField(max_length=120)
    before = models.CharField(max_length=64)
    after = models.CharField(max_length=64)
    at = models.DateTimeField()
    xid = models.BigIntegerField(db_default=_xid(), editable=False)

    class Meta:
        indexes = [
            models.Index(fields=["table_name", "row_id"], name="redaction_of_row"),
            models.Index(fields=["cause_ref"], name="redaction_by_cause"),
        ]

    def __str__(self) -> str:
        return f"{self.table_name} {self.row_id}"


class TraceLink(models.Model):
    """`from_ref` caused or joined `to_ref`. A link of kind `undone` takes back an earlier one."""

    from_ref = models.CharField(max_length=120)
    to_ref = models.CharField(max_length=120)
    kind = models.CharField(max_length=40)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["from_ref"]), models.Index(fields=["to_ref"])]

    def __str__(self) -> str:
        return f"{self.from_ref} → {self.to_ref} ({self.kind})"


class Cursor(models.Model):
    """How far a reader has come. last_xid and last_id: the last settled row it took;
    floor_id: rows up to here were taken before the database was restored elsewhere."""

    name = models.CharField(max_length=40, primary_key=True)
    position = models.BigIntegerField(default=0)
    last_xid = models.BigIntegerField(default=0)
    last_id = models.BigIntegerField(default=0)
    floor_id = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.name} at {self.position}"


class FailedListener(models.Model):
    """A listener that raised: tried again with growing pauses until it succeeds."""

    event = models.ForeignKey(Event, on_delete=models.PROTECT)
    listener = models.CharField(max_length=120)
    attempts = models.PositiveIntegerField(default=1)
    next_try = models.DateTimeField()
    error = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["event", "listener"], name="one_failure_per_listener")]

    def __str__(self) -> str:
        return f"{self.listener} on event {self.event_id}"
