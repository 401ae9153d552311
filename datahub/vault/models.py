"""Personal values, sealed under a key of the person they belong to. Without the key nothing can be read."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from commandcenter.core.fields import EncryptedTextField
from commandcenter.core.refs import make_ref

from .states import ErasureState, Ground


class VaultSubject(models.Model):
    """A person as the lake knows him: by a token. An erased one keeps the token and has no key."""

    token = models.CharField(max_length=32, unique=True)
    wrapped_key = models.TextField(blank=True)
    created_at = models.DateTimeField()
    erasing_at = models.DateTimeField(null=True)  # from here on nothing of him comes in
    erased_at = models.DateTimeField(_("erased"), null=True)
    restricted_at = models.DateTimeField(null=True)  # kept because a law says so; nobody may open it

    class Meta:
        verbose_name = _("person in the vault")
        verbose_name_plural = _("persons in the vault")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(erased_at__isnull=True) | models.Q(wrapped_key=""),
                name="vault_erased_has_no_key",
            )
        ]

    def __str__(self) -> str:
        return self.token


class VaultField(models.Model):
    """One value of a person, once per column. token: what stands in the lake in its place."""

    subject = models.ForeignKey(VaultSubject, models.CASCADE, related_name="fields")
    dataset = models.ForeignKey("datahub.Dataset", models.CASCADE, related_name="vault_fields")
    delivery = models.ForeignKey("datahub.Delivery", models.CASCADE, related_name="vault_fields")
    column = models.CharField(max_length=63)
    token = models.CharField(max_length=32)
    sealed = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subject", "dataset", "column", "token"], name="vault_field_once")
        ]
        indexes = [models.Index(fields=["dataset", "column", "token"], name="vault_by_token")]

    def __str__(self) -> str:
        return f"{self.dataset_id}.{self.column}"


class VaultErasure(models.Model):
    """That a person was erased, and what it reached. Append-only; holds counts and no value."""

    subject = models.ForeignKey(VaultSubject, models.PROTECT, related_name="erasures")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    reason = models.CharField(pgettext_lazy("data", "reason"), max_length=500)
    report = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("erasure")
        verbose_name_plural = _("erasures")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.subject_id} {self.at:%Y-%m-%d}"


class ErasureRequest(models.Model):
    """A steward asks that a person be erased; another one decides.

    given: the person's values as JSON, encrypted, emptied as soon as the request is closed. marks: tokens
    of them, tokens: the person's in the vault, refs: the person's own cases; none of them can be turned back.
    """

    state = models.CharField(
        _("state"), max_length=12, choices=ErasureState.choices, default=ErasureState.ASKED
    )
    ground = models.CharField(pgettext_lazy("erasure", "ground"), max_length=10, choices=Ground.choices)
    reason = models.TextField(pgettext_lazy("data", "reason"))
    given = EncryptedTextField(blank=True, default="")
    marks = models.JSONField(default=list)
    tokens = models.JSONField(default=list)
    refs = models.JSONField(default=list)
    preview = models.JSONField(null=True)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    asked_at = models.DateTimeField(_("asked"))
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(_("decided"), null=True)
    note = models.TextField(blank=True)
    held_by = models.ForeignKey("datahub.LegalHold", models.PROTECT, null=True, related_name="+")
    tries = models.PositiveSmallIntegerField(default=0)
    last_error = models.CharField(max_length=200, blank=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("request to erase a person")
        verbose_name_plural = _("requests to erase a person")
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(decided_by__isnull=True)
                | models.Q(asked_by__isnull=True)
                | ~models.Q(decided_by=models.F("asked_by"))
                | models.Q(state=ErasureState.WITHDRAWN),
                name="erasure_decided_by_another",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="restricted") | models.Q(held_by__isnull=False),
                name="erasure_restricted_says_why",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="done") | models.Q(done_at__isnull=False), name="erasure_done_when"
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        return f"SC-{self.asked_at:%Y}-{self.pk:05d}"

    @property
    def ref(self) -> str:
        return make_ref("datahub.erasure", self.pk)


class ErasureProof(models.Model):
    """Append-only: one place that was cleaned and searched again. Counts and digests, nothing of the person.

    searched: rows or files that were looked at; changed: those that held a value; left: those that held
    one when they were searched again. digest: HMAC-SM3 of the line with the one before it.
    """

    request = models.ForeignKey(ErasureRequest, models.PROTECT, related_name="proofs")
    place = models.CharField(max_length=80)
    searched = models.BigIntegerField()
    changed = models.BigIntegerField()
    left = models.BigIntegerField()
    body = models.JSONField(default=dict)  # table -> rows changed
    digest = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.request_id} {self.place}"


class LegalHold(models.Model):
    """A duty to keep what is held of a person, by a statute that is named. mark: token of one value."""

    mark = models.CharField(max_length=32, db_index=True)
    statute = models.CharField(_("statute"), max_length=200)
    reason = models.TextField(pgettext_lazy("data", "reason"))
    until = models.DateField(_("until"), null=True)
    placed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    placed_at = models.DateTimeField()
    lifted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    lifted_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("duty to keep")
        verbose_name_plural = _("duties to keep")
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(condition=~models.Q(statute=""), name="legal_hold_names_statute")
        ]

    def __str__(self) -> str:
        return self.statute
