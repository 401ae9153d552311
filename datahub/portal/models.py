"""What people ask to be opened, and every step of the answer. Nobody has to say who he is."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from commandcenter.core.refs import make_ref

from .states import Applicant, RequestState


class DataRequest(models.Model):
    """number is known to whoever asked; code_hash: of the random code that was shown once."""

    number = models.CharField(_("number"), max_length=24, unique=True)
    code_hash = models.CharField(max_length=64)
    title = models.CharField(_("data wanted"), max_length=120)
    purpose = models.TextField(_("what for"), max_length=2_000)
    applicant = models.CharField(_("who asks"), max_length=10, choices=Applicant.choices)
    state = models.CharField(
        _("state"), max_length=10, choices=RequestState.choices, default=RequestState.RECEIVED
    )
    received_at = models.DateTimeField(_("received"))
    due_at = models.DateTimeField(_("due"))
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)
    answer = models.TextField(_("answer"), blank=True)
    dataset = models.ForeignKey(
        "datahub.Dataset", models.PROTECT, null=True, blank=True, related_name="answered_requests"
    )

    class Meta:
        verbose_name = _("data request")
        verbose_name_plural = _("data requests")
        ordering: ClassVar = ["-pk"]
        indexes: ClassVar = [models.Index(fields=["state", "due_at"], name="data_request_clock")]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(state__in=RequestState.values), name="data_request_state_known"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["received", "in_review"], answered_at__isnull=True)
                | (Q(state__in=["opened", "declined"], answered_at__isnull=False) & ~Q(answer="")),
                name="data_request_answered_in_words",
            ),
            models.CheckConstraint(
                condition=~Q(state="opened") | Q(dataset__isnull=False), name="data_request_opened_names_it"
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def ref(self) -> str:
        return make_ref("datahub.data_request", self.pk)


class DataRequestMove(models.Model):
    """Append-only: every step of a request. note is what the person who asked reads."""

    request = models.ForeignKey(DataRequest, models.PROTECT, related_name="moves")
    action = models.CharField(max_length=10)
    from_state = models.CharField(max_length=10, blank=True)
    to_state = models.CharField(max_length=10, choices=RequestState.choices)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    note = models.TextField(blank=True)
    at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["pk"]

    def __str__(self) -> str:
        return f"{self.request_id} {self.action}"
