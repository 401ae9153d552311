"""Tickets of the hotline, their moves, and what helps an operator to write them."""

from typing import Any

from django.conf import settings
from django.contrib.gis.db.models import PointField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from commandcenter.core.fields import EncryptedTextField
from commandcenter.core.refs import make_ref

from .querysets import TicketQuerySet
from .states import (
    ACTION_NAMES,
    Channel,
    RejectGround,
    RequestType,
    Satisfied,
    Solved,
    TicketState,
    Urgency,
)

LIVE = "live"


class Category(models.Model):
    """What a request is about: two levels, 20 × 8. Loaded by `load_categories`."""

    code = models.CharField(_("code"), max_length=4, unique=True)
    name = models.CharField(_("name"), max_length=60)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    function = models.CharField(_("function that answers"), max_length=30, blank=True)
    request_type = models.CharField(_("usual type"), max_length=12, choices=RequestType, blank=True)
    workdays = models.PositiveSmallIntegerField(_("working days"), default=5)
    keywords = models.JSONField(_("keywords"), default=list, blank=True)
    source = models.CharField(_("source"), max_length=200, blank=True)
    version = models.CharField(max_length=20, blank=True)
    active = models.BooleanField(default=True)

    class Meta:
        ordering = ["code"]
        verbose_name = _("category")
        verbose_name_plural = _("categories")

    def __str__(self) -> str:
        return self.name

    @property
    def level1(self) -> str:
        return self.code[:2]


class Ticket(models.Model):
    """One request of one caller."""

    number = models.CharField(_("ticket number"), max_length=20, unique=True)
    channel = models.CharField(_("channel"), max_length=12, choices=Channel, default=Channel.PHONE)
    request_type = models.CharField(_("type"), max_length=12, choices=RequestType, default=RequestType.HELP)
    category = models.ForeignKey(Category, models.PROTECT, null=True, blank=True, verbose_name=_("category"))
    urgency = models.CharField(_("urgency"), max_length=10, choices=Urgency, default=Urgency.NORMAL)
    title = models.CharField(_("title"), max_length=200)
    content = models.TextField(_("content"))
    event_time = models.DateTimeField(_("when it happened"), null=True, blank=True)
    address = models.CharField(_("address"), max_length=300, blank=True)
    location = PointField(_("place"), srid=4490, null=True, blank=True)
    area_code = models.CharField(_("area"), max_length=16, blank=True)

    caller_name = EncryptedTextField(_("caller"), blank=True, default="")
    caller_phone = EncryptedTextField(_("phone"), blank=True, default="")
    caller_id_number = EncryptedTextField(_("identity number"), blank=True, default="")
    caller_hash = models.CharField(max_length=64, blank=True, editable=False)
    caller_id_hash = models.CharField(max_length=64, blank=True, editable=False)
    is_enterprise = models.BooleanField(_("for an enterprise"), default=False)
    enterprise_code = models.CharField(_("credit code"), max_length=18, blank=True)
    contact_allowed = models.BooleanField(_("may be contacted"), default=True)
    anonymous = models.BooleanField(_("anonymous"), default=False)
    vulnerable = models.BooleanField(_("needs special care"), default=False)
    language = models.CharField(_("language need"), max_length=40, blank=True)

    confidential = models.BooleanField(_("confidential"), default=False)
    is_whistleblow = models.BooleanField(_("whistle-blowing"), default=False)
    sealed = models.BooleanField(default=False, editable=False)
    accused_org = models.ForeignKey(
        "city.Organisation",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("organisation it is about"),
    )

    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="joined")
    policy_tag = models.CharField(_("policy"), max_length=60, blank=True)

    state = models.CharField(_("state"), max_length=20, choices=TicketState, default=TicketState.NEW)
    source = models.CharField(max_length=40, default=LIVE)
    external_id = models.CharField(max_length=64, blank=True)
    taken_at = models.DateTimeField(_("taken"))
    taken_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    call_seconds = models.PositiveIntegerField(_("length of the call"), null=True, blank=True)

    org = models.ForeignKey(
        "city.Organisation",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("unit"),
    )
    order = models.ForeignKey("dispatch.Order", models.PROTECT, null=True, blank=True, related_name="+")
    dispatched_at = models.DateTimeField(null=True, blank=True)
    reply = models.TextField(_("reply"), blank=True)
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)
    reject_ground = models.CharField(max_length=12, choices=RejectGround, blank=True)

    called_back_at = models.DateTimeField(null=True, blank=True)
    contacted = models.BooleanField(null=True, blank=True)
    solved = models.CharField(max_length=8, choices=Solved, blank=True)
    satisfied = models.CharField(max_length=14, choices=Satisfied, blank=True)
    call_back_note = models.TextField(blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    suggested_category = models.CharField(max_length=4, blank=True)
    suggested_org = models.CharField(max_length=40, blank=True)
    suggested_why = models.CharField(max_length=200, blank=True)
    suggested_by = models.CharField(max_length=40, blank=True)

    published_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = TicketQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        verbose_name = _("ticket")
        verbose_name_plural = _("tickets")
        indexes = [
            models.Index(fields=["area_code", "-taken_at"], name="ticket_area_taken"),
            models.Index(fields=["category", "area_code", "-taken_at"], name="ticket_similar"),
            models.Index(
                fields=["caller_hash", "-taken_at"], name="ticket_caller", condition=~Q(caller_hash="")
            ),
            models.Index(
                fields=["state", "area_code", "taken_at"],
                name="ticket_queue",
                condition=Q(state__in=["new", "awaiting_dispatch", "dispatched", "awaiting_callback"]),
            ),
            models.Index(
                fields=["id"],
                name="ticket_unpublished",
                condition=Q(published_at=None, sealed=False, source="live"),
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "external_id"], name="ticket_once_per_source", condition=~Q(external_id="")
            ),
            models.CheckConstraint(
                name="ticket_sealed_says_why",
                condition=Q(sealed=True) & (Q(confidential=True) | Q(is_whistleblow=True))
                | Q(sealed=False, confidential=False, is_whistleblow=False),
            ),
            models.CheckConstraint(
                name="ticket_report_is_whistleblow",
                condition=~Q(request_type="report") | Q(is_whistleblow=True),
            ),
            models.CheckConstraint(
                name="ticket_answered_has_reply",
                condition=~Q(state="answered") | Q(answered_at__isnull=False) & ~Q(reply=""),
            ),
            models.CheckConstraint(
                name="ticket_with_unit_has_order",
                condition=~Q(state__in=["dispatched", "awaiting_callback"])
                | Q(order__isnull=False, org__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def ref(self) -> str:
        return make_ref("hotline.ticket", self.pk)

    @property
    def is_live(self) -> bool:
        return self.source == LIVE

    @property
    def shown_title(self) -> str:
        """The title where others may look over the shoulder."""
        return str(_("Sealed ticket")) if self.sealed else self.title


class TicketMove(models.Model):
    """What happened to a ticket; append-only. Carries what figures are counted by."""

    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="moves")
    action = models.CharField(max_length=20)
    from_state = models.CharField(max_length=20, blank=True)
    to_state = models.CharField(max_length=20, choices=TicketState)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    by_name = models.CharField(max_length=60, blank=True)
    note = models.TextField(blank=True)
    area_code = models.CharField(max_length=16, blank=True)
    body = models.JSONField(default=dict)  # the announced event, word for word
    cause = models.BigIntegerField(null=True, blank=True)  # id of the order's event that led to it

    class Meta:
        ordering = ["pk"]
        verbose_name = _("ticket move")
        verbose_name_plural = _("ticket moves")
        indexes = [models.Index(fields=["action", "at"], name="ticket_move_action_at")]
        constraints = [
            models.UniqueConstraint(fields=["ticket", "cause"], name="ticket_move_once_per_cause"),
        ]

    def __str__(self) -> str:
        return f"{self.ticket_id} {self.action}"

    @property
    def action_name(self) -> Any:
        return ACTION_NAMES.get(self.action, self.action)


class OpeningRequest(models.Model):
    """Somebody asks to see the caller of a sealed ticket; a second person decides."""

    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="opening_requests")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    reason = models.TextField(_("reason"))
    asked_at = models.DateTimeField()
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    granted = models.BooleanField(null=True)
    until = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]
        verbose_name = _("request to open a caller")
        verbose_name_plural = _("requests to open a caller")

    def __str__(self) -> str:
        return f"{self.ticket_id} {self.asked_by_id}"


class Draft(models.Model):
    """What an operator has typed so far: one per operator, encrypted, since it holds a caller."""

    operator = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    body = EncryptedTextField(default="")
    started_at = models.DateTimeField()
    saved_at = models.DateTimeField()

    class Meta:
        verbose_name = _("draft")
        verbose_name_plural = _("drafts")

    def __str__(self) -> str:
        return str(self.operator_id)


class KnowledgeArticle(models.Model):
    """An answer that an operator may read aloud."""

    code = models.SlugField(_("code"), max_length=40, unique=True)
    question = models.CharField(_("question"), max_length=200)
    answer = models.TextField(_("answer"))
    category = models.ForeignKey(Category, models.SET_NULL, null=True, blank=True)
    keywords = models.JSONField(_("keywords"), default=list, blank=True)
    source = models.CharField(_("source"), max_length=200, blank=True)
    valid_until = models.DateField(_("valid until"), null=True, blank=True)
    updated_at = models.DateTimeField(auto_now=True)
    active = models.BooleanField(default=True)

    class Meta:
        ordering = ["code"]
        verbose_name = _("knowledge article")
        verbose_name_plural = _("knowledge articles")

    def __str__(self) -> str:
        return self.question


class ImportMapping(models.Model):
    """A saved way to read somebody's table of tickets; see `imports.mapping.ColumnMapping`."""

    name = models.SlugField(_("name"), max_length=40, unique=True)
    definition = models.JSONField(_("definition"))
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]
        verbose_name = _("import mapping")
        verbose_name_plural = _("import mappings")

    def __str__(self) -> str:
        return self.name


class ImportRun(models.Model):
    """One file of old tickets and what became of its rows."""

    mapping = models.CharField(max_length=40)
    file_name = models.CharField(max_length=200)
    digest = models.CharField(max_length=64)
    encoding = models.CharField(max_length=20, blank=True)
    at = models.DateTimeField()
    rows_in = models.PositiveIntegerField()
    taken = models.PositiveIntegerField()
    duplicates = models.PositiveIntegerField()
    rejected = models.PositiveIntegerField()
    problems = models.JSONField(default=list)  # row, column, reason; the first thousand

    class Meta:
        ordering = ["-pk"]
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        constraints = [
            models.CheckConstraint(
                name="import_adds_up",
                condition=Q(rows_in=models.F("taken") + models.F("duplicates") + models.F("rejected")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.mapping} {self.file_name}"


class ClassifierVersion(models.Model):
    """A trained model: where its file lies and the signature it must have to be loaded."""

    version = models.PositiveIntegerField(unique=True)
    file_name = models.CharField(max_length=100)
    signature = models.CharField(max_length=64)
    macro_f1 = models.FloatField()
    rows = models.PositiveIntegerField()
    classes = models.JSONField(default=list)
    trained_at = models.DateTimeField()
    active = models.BooleanField(default=True)

    class Meta:
        ordering = ["-version"]
        verbose_name = _("classifier")
        verbose_name_plural = _("classifiers")

    def __str__(self) -> str:
        return f"v{self.version}"
