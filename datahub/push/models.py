"""Keys that may push, subscriptions that fetch, and what came through each."""

import secrets
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from commandcenter.core.fields import EncryptedTextField
from commandcenter.core.refs import make_ref

from .states import BadMessage, LinkState, Payload, Protocol


class PushKey(models.Model):
    """Lets one organisation push rows into some datasets. The key itself is shown once; its hash is kept."""

    name = models.CharField(_("name"), max_length=80)
    org_code = models.CharField(_("organisation"), max_length=40)
    datasets = models.ManyToManyField("datahub.Dataset", related_name="push_keys", verbose_name=_("datasets"))
    token_hash = models.CharField(max_length=64, unique=True)
    token_hint = models.CharField(max_length=8)
    rows_per_minute = models.PositiveIntegerField(_("rows a minute at most"))
    since = models.DateTimeField(_("since"))
    until = models.DateTimeField(_("until"), null=True, blank=True)
    stopped_at = models.DateTimeField(_("stopped"), null=True, blank=True)
    stop_reason = models.CharField(_("reason"), max_length=200, blank=True)
    issued_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        verbose_name = _("push key")
        verbose_name_plural = _("push keys")
        ordering: ClassVar = ["-pk"]

    def __str__(self) -> str:
        return f"{self.name} …{self.token_hint}"

    @property
    def ref(self) -> str:
        return make_ref("datahub.push_key", self.pk)

    @property
    def sender(self) -> str:
        return f"push:{self.pk}"


class PushUse(models.Model):
    """What came with a key in one minute. slot: writers count in rows of their own, to not wait in line."""

    key = models.ForeignKey(PushKey, models.CASCADE, related_name="uses")
    minute = models.DateTimeField()
    slot = models.PositiveSmallIntegerField()
    batches = models.PositiveIntegerField(default=0)
    rows = models.BigIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["key", "minute", "slot"], name="push_use_once")
        ]

    def __str__(self) -> str:
        return f"{self.key_id} {self.minute} {self.rows}"


def new_client_id() -> str:
    return f"city-hub-{secrets.token_hex(5)}"


class Subscription(models.Model):
    """A topic of a broker whose messages become rows of a dataset.

    client_id: stays the same for good, so that the broker keeps the session while we are away.
    mapping: column -> where its value stands, see mapping.py. revision: rises with each change of the
    settings, by which the process knows to connect anew. What it counts and where it stands is written by
    the process: alive_at every few seconds; subscribed, the topic that the broker's session has.
    """

    name = models.CharField(_("name"), max_length=80)
    dataset = models.ForeignKey(
        "datahub.Dataset", models.CASCADE, related_name="subscriptions", verbose_name=_("dataset")
    )
    host = models.CharField(_("broker"), max_length=253)
    port = models.PositiveIntegerField(_("port"), default=1883)
    tls = models.BooleanField(_("encrypted (TLS)"), default=False)
    ca_pem = models.TextField(_("own certificate authority"), blank=True)
    protocol = models.CharField(_("protocol"), max_length=5, choices=Protocol.choices, default=Protocol.V5)
    username = models.CharField(_("user name"), max_length=120, blank=True)
    secret = EncryptedTextField(blank=True, default="")
    client_id = models.CharField(max_length=40, unique=True, default=new_client_id)
    topic = models.CharField(_("topic"), max_length=300)
    payload = models.CharField(_("messages hold"), max_length=8, choices=Payload.choices)
    mapping = models.JSONField(_("mapping"), default=dict)
    take_retained = models.BooleanField(_("take retained messages"), default=False)
    away_after_s = models.PositiveIntegerField(_("report after (seconds)"), default=120)
    paused = models.BooleanField(_("paused"), default=False)
    revision = models.PositiveIntegerField(default=1)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(_("made"))

    state = models.CharField(_("state"), max_length=10, choices=LinkState.choices, default=LinkState.IDLE)
    state_at = models.DateTimeField(null=True, blank=True)
    alive_at = models.DateTimeField(null=True, blank=True)
    subscribed = models.CharField(max_length=300, blank=True)
    last_error = models.CharField(max_length=300, blank=True)
    last_message_at = models.DateTimeField(_("last message"), null=True, blank=True)
    messages = models.BigIntegerField(default=0)
    rows = models.BigIntegerField(default=0)
    repeats = models.BigIntegerField(default=0)
    rejected = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = _("subscription")
        verbose_name_plural = _("subscriptions")
        ordering: ClassVar = ["name", "pk"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(host="") & ~Q(topic=""), name="subscription_names_topic"),
            models.CheckConstraint(condition=Q(port__gte=1, port__lte=65535), name="subscription_port"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def ref(self) -> str:
        return make_ref("datahub.subscription", self.pk)

    @property
    def sender(self) -> str:
        return f"mqtt:{self.pk}"


class SubscriptionUse(models.Model):
    """What came through a subscription in one minute."""

    subscription = models.ForeignKey(Subscription, models.CASCADE, related_name="uses")
    minute = models.DateTimeField()
    messages = models.PositiveIntegerField(default=0)
    rows = models.PositiveIntegerField(default=0)
    repeats = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["subscription", "minute"], name="subscription_use_once")
        ]

    def __str__(self) -> str:
        return f"{self.subscription_id} {self.minute} {self.messages}"


class SeenMessage(models.Model):
    """A message that is safe already, by which the broker's repeat of it is known. See repeats.py."""

    subscription = models.ForeignKey(Subscription, models.CASCADE, related_name="seen")
    mark = models.CharField(max_length=40)
    digest = models.CharField(max_length=32)
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["subscription", "mark"], name="seen_message_once")
        ]
        indexes: ClassVar = [models.Index(fields=["at"], name="seen_message_at")]

    def __str__(self) -> str:
        return self.mark


class MessageReject(models.Model):
    """A message that became no row. sample: its beginning, personal values hidden; '' of guarded datasets."""

    subscription = models.ForeignKey(Subscription, models.CASCADE, related_name="message_rejects")
    topic = models.CharField(_("topic"), max_length=300)
    reason = models.CharField(_("reason"), max_length=12, choices=BadMessage.choices)
    sample = models.CharField(_("beginning"), max_length=200, blank=True)
    size = models.PositiveIntegerField(_("bytes"))
    at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["-pk"]

    def __str__(self) -> str:
        return f"{self.topic}: {self.reason}"
