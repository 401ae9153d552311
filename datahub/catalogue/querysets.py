"""Questions about the catalogue."""

from typing import TYPE_CHECKING, Any

from django.db.models import Case, IntegerField, Q, QuerySet, Value, When

from city.querysets import within_areas
from city.roles import Role
from city.selectors import areas_of, organisations
from datahub.querysets import READERS
from datahub.states import DatasetStatus

if TYPE_CHECKING:
    from datahub.models import Dataset

# Everybody who works on cases may know what data the city has. Rows are another matter.
STAFF = (*READERS, Role.OFFICER, Role.DISPATCHER, Role.OPERATOR)


def catalogue_of(user: Any) -> "QuerySet[Dataset]":
    """What stands in the catalogue for this reader; drafts and what was retired only for the steward."""
    from datahub.models import Dataset

    if not user.is_authenticated or not user.has_role(*STAFF):
        return Dataset.objects.none()
    reach = Q(area_code="") | within_areas(areas_of(user, *STAFF), "area_code")
    found = Dataset.objects.filter(reach)
    if user.has_role(Role.STEWARD):
        return found
    return found.filter(status=DatasetStatus.PUBLISHED)


def matching(found: "QuerySet[Dataset]", text: str) -> "QuerySet[Dataset]":
    """Datasets with every word of `text` in name, number, theme, tags, columns or the provider's name."""
    words = text.split()[:8]
    for word in words:
        providers = organisations().filter(Q(name__icontains=word) | Q(short_name__icontains=word))
        found = found.filter(
            Q(search_text__icontains=word) | Q(provider__in=list(providers.values_list("code", flat=True)))
        )
    if not words:
        return found
    first = words[0]
    rank = Case(
        When(Q(name__iexact=first) | Q(code__iexact=first), then=Value(0)),
        When(Q(name__icontains=first) | Q(name_en__icontains=first), then=Value(1)),
        When(Q(tags__icontains=first) | Q(theme__icontains=first), then=Value(2)),
        default=Value(3),
        output_field=IntegerField(),
    )
    return found.annotate(rank=rank).order_by("rank", "domain", "code")
