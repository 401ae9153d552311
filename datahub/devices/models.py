"""The register of devices, what was heard of them, and what became of their outages."""

from typing import ClassVar

from django.conf import settings
from django.contrib.gis.db.models import PointField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from commandcenter.core.fields import EncryptedTextField
from commandcenter.core.refs import make_ref

from .querysets import DeviceQuerySet, FaultQuerySet, MaintenanceQuerySet
from .states import Cause, DeviceKind, DeviceState, FaultState, Feed, Setting, Spell


class DeviceLimit(models.Model):
    """Limits of one kind of device. Without a row those of states.DEFAULT_LIMITS hold."""

    kind = models.CharField(_("kind"), max_length=12, choices=DeviceKind.choices, primary_key=True)
    silent_s = models.PositiveIntegerField(_("offline after (s)"))
    fault_s = models.PositiveIntegerField(_("fault after further (s)"))
    repair_minutes = models.PositiveIntegerField(_("office minutes to repair"))
    source = models.CharField(_("source"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("limit of devices")
        verbose_name_plural = _("limits of devices")

    def __str__(self) -> str:
        return f"{self.kind}: {self.silent_s} s"


class PatrolSetting(models.Model):
    """A number of the patrol. Without a row that of states.DEFAULT_SETTINGS holds."""

    name = models.CharField(_("name"), max_length=20, choices=Setting.choices, primary_key=True)
    value = models.PositiveIntegerField(_("value"))
    source = models.CharField(_("source"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("setting of the patrol")
        verbose_name_plural = _("settings of the patrol")

    def __str__(self) -> str:
        return f"{self.name}: {self.value}"


class Device(models.Model):
    """One camera or sensor.

    What it is comes from the dataset city.devices, whose tap is the only writer of those columns: row_ref
    says from which row. How it stands (state, state_since) is written by the patrol. world_x, world_y: its
    place on the Web Mercator square as whole numbers up to 2^30, for the map.
    """

    code = models.CharField(_("code"), max_length=40, unique=True)
    kind = models.CharField(_("kind"), max_length=12, choices=DeviceKind.choices)
    name = models.CharField(_("name"), max_length=120)
    place = models.CharField(_("place"), max_length=200, blank=True)
    location = PointField(_("position"), srid=4490, null=True, spatial_index=False)
    world_x = models.IntegerField(null=True)
    world_y = models.IntegerField(null=True)
    area_code = models.CharField(_("area"), max_length=16, blank=True)
    owner_code = models.CharField(_("owner"), max_length=40)
    feed = models.CharField(_("feed"), max_length=8, choices=Feed.choices, default=Feed.PUBLIC)
    maker = models.CharField(_("maker"), max_length=80, blank=True)
    model = models.CharField(pgettext_lazy("device", "model"), max_length=80, blank=True)
    installed_on = models.DateField(_("installed"), null=True)
    state = models.CharField(
        _("state"), max_length=10, choices=DeviceState.choices, default=DeviceState.OFFLINE
    )
    state_since = models.DateTimeField(_("since"))
    registered_at = models.DateTimeField(_("registered"))
    delivery_id = models.BigIntegerField(default=0)
    row_number = models.BigIntegerField(default=0)

    objects = DeviceQuerySet.as_manager()

    class Meta:
        verbose_name = _("device")
        verbose_name_plural = _("devices")
        indexes: ClassVar = [
            # A tile that holds few: its box. One that holds many: counted from the index alone.
            models.Index(
                fields=["world_x", "world_y"],
                include=["state", "kind", "owner_code", "area_code"],
                name="device_on_map",
            ),
            models.Index(fields=["owner_code", "state"], name="device_of_owner"),
            models.Index(fields=["area_code"], opclasses=["varchar_pattern_ops"], name="device_in_area"),
            models.Index(fields=["state", "kind"], name="device_state"),
            models.Index(fields=["name"], opclasses=["varchar_pattern_ops"], name="device_name"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(state__in=DeviceState.values), name="device_state_known"),
            models.CheckConstraint(
                condition=~Q(kind="camera") | Q(code__regex=r"^[0-9]{20}$"), name="device_camera_code"
            ),
            models.CheckConstraint(
                condition=(Q(location__isnull=True) & Q(world_x__isnull=True) & Q(world_y__isnull=True))
                | (Q(location__isnull=False) & Q(world_x__isnull=False) & Q(world_y__isnull=False)),
                name="device_on_map_if_placed",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def ref(self) -> str:
        return make_ref("datahub.device", self.pk)


class Pulse(models.Model):
    """What was last heard of a device: one narrow row, written by every heartbeat and by nothing else.

    seen_at: server time of the newest heartbeat, it never goes back. slept_at and woke_at: the last gap
    longer than gap_s that a heartbeat ended, so that the patrol finds it however late it comes.
    skew_s: how far the device's own clock was off. trouble: what it said was wrong with itself.
    """

    device = models.OneToOneField(Device, models.CASCADE, primary_key=True, related_name="pulse")
    gap_s = models.IntegerField(default=180)
    seen_at = models.DateTimeField(null=True)
    slept_at = models.DateTimeField(null=True)
    woke_at = models.DateTimeField(null=True)
    skew_s = models.IntegerField(null=True)
    trouble = models.CharField(max_length=40, default="")

    def __str__(self) -> str:
        return f"{self.device_id} {self.seen_at}"


class DeviceSpell(models.Model):
    """A stretch of time in which a device was online, offline, or rightly silent. until null: it lasts."""

    device = models.ForeignKey(Device, models.CASCADE, related_name="spells", db_index=False)
    state = models.CharField(max_length=10, choices=Spell.choices)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["since", "pk"]
        indexes: ClassVar = [
            models.Index(fields=["device", "since"], name="spell_of_device"),
            models.Index(fields=["until"], name="spell_ended", condition=Q(until__isnull=False)),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["device"], condition=Q(until__isnull=True), name="one_spell_lasts"
            ),
            models.CheckConstraint(
                condition=Q(until__isnull=True) | Q(until__gte=F("since")), name="spell_runs_forward"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.device_id} {self.state}"


class DeviceChange(models.Model):
    """Append-only: what changed in the register, column -> [before, after]; who or which row said so."""

    device = models.ForeignKey(Device, models.CASCADE, related_name="changes")
    action = models.CharField(max_length=12)
    changed = models.JSONField(default=dict)
    source = models.CharField(max_length=120, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["-pk"]

    def __str__(self) -> str:
        return f"{self.device_id} {self.action}"


class DeviceRefusal(models.Model):
    """A row of the register dataset that the register could not take: which, which field, why."""

    delivery_id = models.BigIntegerField(db_index=True)
    row_number = models.BigIntegerField()
    code = models.CharField(max_length=80, blank=True)
    field = models.CharField(max_length=40)
    reason = models.CharField(max_length=40)
    value = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["delivery_id", "row_number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["delivery_id", "row_number"], name="device_refused_once")
        ]

    def __str__(self) -> str:
        return f"{self.row_number}: {self.field} {self.reason}"


class HeartbeatKey(models.Model):
    """A token under which heartbeats of one owner's devices come in; without an owner, of all devices."""

    name = models.CharField(_("name"), max_length=80)
    owner_code = models.CharField(_("owner"), max_length=40, blank=True)
    token_hash = models.CharField(max_length=64, unique=True)
    token_hint = models.CharField(max_length=8)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering: ClassVar = ["-pk"]

    def __str__(self) -> str:
        return f"{self.name} …{self.token_hint}"


class ReadingFeed(models.Model):
    """A dataset whose subject column names devices: a reading that arrives is a sign of life."""

    dataset = models.OneToOneField("datahub.Dataset", models.CASCADE, related_name="device_feed")
    since = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.dataset_id}"


class Maintenance(models.Model):
    """Announced work: its devices may be silent. '' in a field means all; an owner is always named."""

    owner_code = models.CharField(_("owner"), max_length=40)
    area_code = models.CharField(_("area"), max_length=16, blank=True)
    kind = models.CharField(_("kind"), max_length=12, choices=DeviceKind.choices, blank=True)
    device = models.ForeignKey(Device, models.CASCADE, null=True, blank=True, related_name="maintenance")
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    reason = models.CharField(_("reason"), max_length=200)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()
    cancelled_at = models.DateTimeField(null=True)

    objects = MaintenanceQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-starts_at"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="maintenance_ends"),
            models.CheckConstraint(condition=~Q(reason=""), name="maintenance_has_reason"),
        ]

    def __str__(self) -> str:
        return self.reason


class Fault(models.Model):
    """An outage that its owner has to end: of one device, or of many that fell silent together.

    area_code: of the device, or the area that holds the whole group. lasting: how many devices are in it
    now; devices: how many it had at most. order_id: of the order that dispatch laid on the owner.
    """

    number = models.CharField(_("number"), max_length=24, unique=True)
    state = models.CharField(_("state"), max_length=12, choices=FaultState.choices, default=FaultState.OPEN)
    cause = models.CharField(_("cause"), max_length=10, choices=Cause.choices)
    is_group = models.BooleanField(default=False)
    title = models.CharField(max_length=200)
    owner_code = models.CharField(_("owner"), max_length=40)
    area_code = models.CharField(_("area"), max_length=16, blank=True)
    feed = models.CharField(max_length=8, choices=Feed.choices, default=Feed.PUBLIC)
    devices = models.PositiveIntegerField(_("devices"), default=1)
    silent_since = models.DateTimeField(_("silent since"))
    opened_at = models.DateTimeField(_("opened"))
    due_at = models.DateTimeField(_("due"), null=True)
    clock_since = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)
    repaired_at = models.DateTimeField(null=True)
    confirmed_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    reopened = models.PositiveIntegerField(default=0)
    order_id = models.BigIntegerField(null=True)
    order_number = models.CharField(max_length=24, blank=True)

    objects = FaultQuerySet.as_manager()

    class Meta:
        verbose_name = _("fault")
        verbose_name_plural = _("faults")
        ordering: ClassVar = ["-pk"]
        indexes: ClassVar = [
            models.Index(fields=["state", "due_at"], name="fault_clock"),
            models.Index(fields=["owner_code", "state"], name="fault_of_owner"),
            models.Index(fields=["area_code"], opclasses=["varchar_pattern_ops"], name="fault_in_area"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(state__in=FaultState.values), name="fault_state_known"),
            models.CheckConstraint(
                condition=Q(state="closed") | Q(due_at__isnull=False), name="fault_has_clock"
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def ref(self) -> str:
        return make_ref("datahub.fault", self.pk)


class FaultMember(models.Model):
    """A device within a fault. back_at: it was heard again. until: the fault no longer concerns it.

    The database itself refuses a second standing fault of one device.
    """

    fault = models.ForeignKey(Fault, models.CASCADE, related_name="members")
    device = models.ForeignKey(Device, models.CASCADE, related_name="faults", db_index=False)
    since = models.DateTimeField()
    back_at = models.DateTimeField(null=True)
    until = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["-pk"]
        indexes: ClassVar = [models.Index(fields=["device", "-since"], name="fault_of_device")]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["device"], condition=Q(until__isnull=True), name="one_fault_stands"
            ),
            models.UniqueConstraint(fields=["fault", "device"], name="once_in_a_fault"),
        ]

    def __str__(self) -> str:
        return f"{self.fault_id} {self.device_id}"


class FaultMove(models.Model):
    """Append-only: every step of a fault."""

    fault = models.ForeignKey(Fault, models.PROTECT, related_name="moves")
    action = models.CharField(max_length=12)
    from_state = models.CharField(max_length=12, blank=True)
    to_state = models.CharField(max_length=12)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    by_name = models.CharField(max_length=60, blank=True)
    note = models.TextField(blank=True)
    body = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["pk"]

    def __str__(self) -> str:
        return f"{self.fault_id} {self.action}"


class PatrolRound(models.Model):
    """The patrol's own memory: one row. listening_since: since when it has come by without a break."""

    at = models.DateTimeField()
    listening_since = models.DateTimeField()
    took_ms = models.PositiveIntegerField(default=0)
    counted_at = models.DateTimeField(null=True)  # when availability was last counted
    settled_to = models.DateField(null=True)  # up to this day facts of availability are written

    def __str__(self) -> str:
        return f"{self.at}"


class Availability(models.Model):
    """Seconds of one day, by owner, county and kind, counted from spells and faults; a copy, never a source.

    should_s: in duty and not under announced work. intact_s: heard, and not under a fault.
    """

    day = models.DateField()
    owner_code = models.CharField(max_length=40)
    area_code = models.CharField(max_length=6, blank=True)
    kind = models.CharField(max_length=12)
    devices = models.PositiveIntegerField()
    should_s = models.BigIntegerField()
    online_s = models.BigIntegerField()
    intact_s = models.BigIntegerField()

    class Meta:
        ordering: ClassVar = ["day"]
        indexes: ClassVar = [models.Index(fields=["owner_code", "day"], name="availability_of_owner")]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["day", "owner_code", "area_code", "kind"], name="availability_once"
            ),
            models.CheckConstraint(
                condition=Q(online_s__lte=F("should_s")) & Q(intact_s__lte=F("online_s")),
                name="availability_within",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.owner_code}"


class DeviceStream(models.Model):
    """The registered address of a device's picture. It may hold a password, so it lies encrypted."""

    device = models.OneToOneField(Device, models.CASCADE, primary_key=True, related_name="stream")
    url = EncryptedTextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.device_id}"


class StreamGrant(models.Model):
    """Append-only: who opened which stream's address, why, and until when he sees it."""

    device = models.ForeignKey(Device, models.PROTECT, related_name="stream_grants")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    reason = models.CharField(max_length=200)
    at = models.DateTimeField()
    until = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["-pk"]

    def __str__(self) -> str:
        return f"{self.device_id} {self.by_id}"
