"""The sums that screens show."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class Summary(models.Model):
    """One sum: of a figure, in an area with everything under it, on a day.

    A gauge (what is open now) has no day; it stands under figures.GAUGE_DAY. Kept by folding
    events in order, in the transaction that moves the journal's fold cursor, so that a snapshot
    of summaries and cursor is always the state after exactly that many events.
    """

    area_code = models.CharField(_("area"), max_length=16)
    day = models.DateField(_("day"))
    figure = models.CharField(_("figure"), max_length=48)
    value = models.BigIntegerField(_("value"), default=0)

    class Meta:
        verbose_name = _("summary")
        verbose_name_plural = _("summaries")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["area_code", "day", "figure"], name="one_sum_per_area_day_figure")
        ]

    def __str__(self) -> str:
        return f"{self.area_code} {self.day} {self.figure} = {self.value}"
