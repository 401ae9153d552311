"""Other levels' platforms, what they show us, and how far we have fetched it."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from commandcenter.core.fields import EncryptedTextField
from commandcenter.core.refs import make_ref

from .states import BatchState, Direction, PeerLevel


class Peer(models.Model):
    """Another instance. token: ours, to call it; it calls us with a sharing.ShareKey of `ref`."""

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=80)
    level = models.CharField(_("level"), max_length=10, choices=PeerLevel.choices)
    area_code = models.CharField(_("area"), max_length=16, blank=True)
    url = models.CharField(_("address"), max_length=300)
    token = EncryptedTextField(blank=True, default="")
    active = models.BooleanField(_("active"), default=True)
    last_at = models.DateTimeField(_("last exchange"), null=True, blank=True)
    last_error = models.CharField(max_length=300, blank=True)

    class Meta:
        verbose_name = _("peer")
        verbose_name_plural = _("peers")
        ordering: ClassVar = ["code"]

    def __str__(self) -> str:
        return self.name

    @property
    def ref(self) -> str:
        return make_ref("datahub.peer", self.code)


class Entry(models.Model):
    """A line of a peer's catalogue that it lets us see; gone_at: it no longer does."""

    peer = models.ForeignKey(Peer, models.CASCADE, related_name="entries")
    code = models.CharField(_("code"), max_length=80)
    name = models.CharField(_("name"), max_length=200)
    body = models.JSONField(default=dict)
    seen_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["code"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["peer", "code"], name="entry_once")]

    def __str__(self) -> str:
        return self.name


class Route(models.Model):
    """Rows of one dataset of a peer, on their way into one of ours.

    position: the peer's cursor after the last batch that is in our lake. number: batches so far.
    """

    peer = models.ForeignKey(Peer, models.CASCADE, related_name="routes")
    remote_code = models.CharField(_("dataset there"), max_length=80)
    dataset = models.ForeignKey(
        "datahub.Dataset", models.PROTECT, related_name="routes", verbose_name=_("dataset here")
    )
    direction = models.CharField(_("direction"), max_length=6, choices=Direction.choices)
    position = models.TextField(blank=True)
    number = models.BigIntegerField(default=0)
    rows = models.BigIntegerField(_("rows"), default=0)
    rows_rejected = models.BigIntegerField(default=0)
    paused = models.BooleanField(_("paused"), default=False)
    last_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=300, blank=True)

    class Meta:
        verbose_name = _("route of the cascade")
        verbose_name_plural = _("routes of the cascade")
        ordering: ClassVar = ["peer", "remote_code"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["peer", "remote_code"], name="route_once")]

    def __str__(self) -> str:
        return f"{self.peer_id} {self.remote_code}"


class Batch(models.Model):
    """One page of a peer, kept as a file until it is delivered: fetched once, delivered once."""

    route = models.ForeignKey(Route, models.CASCADE, related_name="batches")
    number = models.BigIntegerField()
    state = models.CharField(max_length=10, choices=BatchState.choices, default=BatchState.FETCHED)
    from_position = models.TextField(blank=True)
    to_position = models.TextField(blank=True)
    path = models.TextField()
    digest = models.CharField(max_length=64)
    rows = models.BigIntegerField()
    delivery = models.ForeignKey("datahub.Delivery", models.PROTECT, null=True, blank=True, related_name="+")
    fetched_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["number"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["route", "number"], name="batch_once")]

    def __str__(self) -> str:
        return f"{self.route_id}/{self.number}"
