"""Kinds of events, who walks which cell, and what was reported."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.gis.db import models
from django.db.models import Q
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from .querysets import EventKindQuerySet, ReportQuerySet
from .states import ReportState, Urgency

SRID = 4490


class EventKind(models.Model):
    """What can be reported, and which function answers for it. Loaded from data/event_kinds.csv.

    sla: the suggested limit in words, as its source gives it; the order's own clock is dispatch's.
    """

    code = models.SlugField(_("code"), max_length=12, unique=True)
    name = models.CharField(_("name"), max_length=60)
    name_en = models.CharField(_("name in English"), max_length=80, blank=True)
    group = models.CharField(_("group"), max_length=20)
    class_name = models.CharField(_("class"), max_length=30)
    class_name_en = models.CharField(_("class in English"), max_length=40, blank=True)
    function = models.CharField(_("responsible function"), max_length=30)
    sla = models.CharField(_("suggested limit"), max_length=80, blank=True)
    urgency = models.CharField(_("urgency"), max_length=8, choices=Urgency, default=Urgency.NORMAL)
    confidential = models.BooleanField(_("confidential"), default=False)
    common = models.PositiveSmallIntegerField(_("place among the common ones, 0 for none"), default=0)
    active = models.BooleanField(_("active"), default=True)
    source = models.CharField(_("source"), max_length=40, blank=True)

    objects = EventKindQuerySet.as_manager()

    class Meta:
        ordering = ("code",)
        verbose_name = _("kind of event")
        verbose_name_plural = _("kinds of events")

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        return self.name_en if _english() and self.name_en else self.name

    @property
    def class_label(self) -> str:
        return self.class_name_en if _english() and self.class_name_en else self.class_name


def _english() -> bool:
    return (translation.get_language() or "").startswith("en")


class CellWorker(models.Model):
    """Who walks a cell, and may choose it when the phone does not know where it is."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="cells", verbose_name=_("worker")
    )
    cell_code = models.CharField(_("cell"), max_length=16, db_index=True)

    class Meta:
        ordering = ("cell_code",)
        verbose_name = _("grid worker of a cell")
        verbose_name_plural = _("grid workers of cells")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "cell_code"], name="worker_once_per_cell")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.cell_code}"


class Report(models.Model):
    """Something a grid worker saw.

    client_uuid: made by the phone, so that a report sent twice is one. happened_at: when the phone
    took it; reported_at: when it reached us.
    """

    number = models.CharField(_("case number"), max_length=24, unique=True)
    client_uuid = models.UUIDField(unique=True)
    kind = models.ForeignKey(EventKind, models.PROTECT, related_name="reports", verbose_name=_("kind"))
    title = models.CharField(_("title"), max_length=160)
    content = models.TextField(_("what was seen"), blank=True)
    place = models.CharField(_("place"), max_length=200, blank=True)
    location = models.PointField(_("location"), srid=SRID, null=True, blank=True)
    accuracy_m = models.FloatField(_("accuracy in metres"), null=True, blank=True)
    area_code = models.CharField(_("area"), max_length=16, db_index=True)
    photo = models.FileField(_("photo"), upload_to="grid/%Y/%m", max_length=120, blank=True)
    reporter = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="reports", verbose_name=_("reporter")
    )
    state = models.CharField(_("state"), max_length=16, choices=ReportState, default=ReportState.REPORTED)
    org = models.ForeignKey(
        "city.Organisation",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("responsible unit"),
    )
    order_ref = models.CharField(_("order"), max_length=40, blank=True)
    solved_note = models.TextField(_("what was done on the spot"), blank=True)
    happened_at = models.DateTimeField(_("seen at"))
    reported_at = models.DateTimeField(_("reported at"))
    closed_at = models.DateTimeField(_("done at"), null=True, blank=True)

    objects = ReportQuerySet.as_manager()

    class Meta:
        ordering = ("-pk",)
        verbose_name = _("report")
        verbose_name_plural = pgettext_lazy("model", "reports")
        indexes: ClassVar = [models.Index(fields=["reporter", "-id"], name="report_mine")]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(state__in=["reported", "solved_on_spot"]) | ~Q(order_ref=""),
                name="report_handled_by_order",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["reported", "dispatched"]) | Q(closed_at__isnull=False),
                name="report_done_has_moment",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def ref(self) -> str:
        return f"grid.report:{self.pk}"


class ReportMove(models.Model):
    """Append-only: every step of a report."""

    report = models.ForeignKey(Report, models.PROTECT, related_name="moves")
    action = models.CharField(max_length=20)
    from_state = models.CharField(max_length=16, blank=True)
    to_state = models.CharField(max_length=16)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    by_name = models.CharField(max_length=60, blank=True)
    note = models.TextField(blank=True)
    body = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta:
        ordering = ("pk",)
