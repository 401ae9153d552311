"""The catalogue: datasets, their columns, rules and saved ways to read a file."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from commandcenter.core.refs import make_ref
from datahub.querysets import DatasetQuerySet
from datahub.states import (
    ColumnKind,
    DataFormat,
    DatasetStatus,
    OpenType,
    Origin,
    PrivacyClass,
    ShareType,
)


class TwoNames(models.Model):
    """A name in Chinese, and one for readers of English."""

    name = models.CharField(_("name"), max_length=200)
    name_en = models.CharField(_("English name"), max_length=200, blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.title

    @property
    def title(self) -> str:
        chinese = (get_language() or "zh").startswith("zh")
        return self.name if chinese or not self.name_en else self.name_en


class Dataset(TwoNames):
    code = models.CharField(_("code"), max_length=80, unique=True)
    summary = models.TextField(pgettext_lazy("data", "summary"), blank=True)
    domain = models.CharField(_("domain"), max_length=40, blank=True)
    provider = models.CharField(_("provider"), max_length=40, blank=True)
    area_code = models.CharField(_("area"), max_length=16, blank=True)
    privacy_class = models.CharField(_("privacy class"), max_length=12, choices=PrivacyClass.choices)
    origin = models.CharField(
        _("kind of source"), max_length=12, choices=Origin.choices, default=Origin.GOVERNMENT
    )
    format = models.CharField(
        _("format"), max_length=10, choices=DataFormat.choices, default=DataFormat.TABLE
    )
    class_code = models.CharField(max_length=12, blank=True)
    catalogue_number = models.CharField(_("catalogue number"), max_length=24, blank=True)
    share_type = models.CharField(_("share type"), max_length=16, choices=ShareType.choices)
    share_basis = models.TextField(_("basis of the share type"), blank=True)
    open_type = models.CharField(_("open type"), max_length=16, choices=OpenType.choices)
    licence = models.CharField(_("licence"), max_length=40, blank=True)
    theme = models.CharField(_("theme"), max_length=40, blank=True)
    tags = models.JSONField(_("tags"), default=list, blank=True)
    update_cycle = models.DurationField(_("update cycle"), null=True, blank=True)
    lateness_limit = models.DurationField(_("lateness limit"))
    keep_days = models.PositiveIntegerField(_("days kept"), null=True, blank=True)  # None: for good
    time_column = models.CharField(max_length=63, blank=True)
    subject_column = models.CharField(max_length=63, blank=True)
    key_columns = models.JSONField(default=list)
    lon_column = models.CharField(max_length=63, blank=True)
    lat_column = models.CharField(max_length=63, blank=True)
    datum = models.CharField(max_length=10, default="cgcs2000")
    status = models.CharField(
        _("status"), max_length=12, choices=DatasetStatus.choices, default=DatasetStatus.DRAFT
    )
    pack = models.CharField(max_length=80, blank=True)
    revision = models.PositiveIntegerField(default=1)  # rises with every change of the declaration
    turn = models.BigIntegerField(default=0)  # number of the last delivery that went to the lake
    fresh_at = models.DateTimeField(_("last heard"), null=True, blank=True)
    published_at = models.DateTimeField(_("published"), null=True, blank=True)
    declared_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    search_text = models.TextField(default="", blank=True)

    objects = DatasetQuerySet.as_manager()

    class Meta:
        verbose_name = _("dataset")
        verbose_name_plural = _("datasets")
        ordering = ["domain", "code"]
        constraints = [
            models.UniqueConstraint(
                fields=["catalogue_number"],
                condition=~Q(catalogue_number=""),
                name="dataset_number_once",
            )
        ]

    @property
    def ref(self) -> str:
        return make_ref("datahub.dataset", self.code)

    @property
    def is_register(self) -> bool:
        return bool(self.key_columns) and not self.time_column

    @property
    def is_masked(self) -> bool:
        return self.privacy_class in (PrivacyClass.PERSONAL, PrivacyClass.SENSITIVE)


class Column(TwoNames):
    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="columns")
    position = models.PositiveSmallIntegerField()
    code = models.CharField(_("code"), max_length=63)
    kind = models.CharField(_("kind"), max_length=10, choices=ColumnKind.choices)
    unit = models.CharField(pgettext_lazy("data", "unit"), max_length=20, blank=True)
    required = models.BooleanField(_("required"), default=False)
    personal = models.BooleanField(_("personal"), default=False)
    grade = models.CharField(_("grade"), max_length=2, default="L1")
    summary = models.TextField(pgettext_lazy("data", "summary"), blank=True)
    code_list = models.JSONField(_("code list"), default=dict, blank=True)
    proposed = models.BooleanField(_("proposed"), default=False)

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["dataset", "code"], name="column_once")]


class QualityRule(models.Model):
    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="rules")
    code = models.CharField(max_length=63)
    kind = models.CharField(max_length=20)
    column = models.CharField(max_length=63)
    params = models.JSONField(default=dict)
    on_fail = models.CharField(max_length=10, default="reject")
    tolerance = models.FloatField(null=True, blank=True)  # share of rows that may fail; None: the default
    active = models.BooleanField(default=True)
    declared = models.JSONField(null=True, blank=True)  # as its declaration has it; None: made by a steward
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    changed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["dataset", "code"], name="rule_once")]

    def __str__(self) -> str:
        return self.code


class SavedMapping(models.Model):
    """How one source writes the dataset: datahub.declare.MappingSpec as JSON."""

    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="mappings")
    name = models.CharField(_("name"), max_length=63)
    body = models.JSONField(default=dict)
    kept = models.BooleanField(default=False)  # saved at an upload: a new declaration leaves it alone

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["dataset", "name"], name="mapping_once")]

    def __str__(self) -> str:
        return self.name
