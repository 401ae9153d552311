"""Personal values, sealed under a key of the person they belong to. Without the key nothing can be read."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class VaultSubject(models.Model):
    """A person as the lake knows him: by a token. An erased one keeps the token and has no key."""

    token = models.CharField(max_length=32, unique=True)
    wrapped_key = models.TextField(blank=True)
    created_at = models.DateTimeField()
    erasing_at = models.DateTimeField(null=True)  # from here on nothing of him comes in
    erased_at = models.DateTimeField(_("erased"), null=True)

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
