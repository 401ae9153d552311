"""Questions about agreements, grants and calls."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import Count, Max, Q, Sum

from city.querysets import within_areas
from city.roles import Role
from city.selectors import areas_of, grants_of

from .states import OPEN, WAITING, AgreementState, Outcome

if TYPE_CHECKING:
    from .models import Agreement, ShareCall  # noqa: F401  named in the strings below


def officer_orgs(user: Any) -> set[str]:
    """Codes of the organisations that the user speaks for."""
    return {grant.org_code for grant in grants_of(user) if grant.role == Role.OFFICER and grant.org_code}


class AgreementQuerySet(models.QuerySet["Agreement"]):
    def visible_to(self, user: Any) -> Self:
        """The steward and leaders: of their areas; an officer: what his organisation gives or takes."""
        if not user.is_authenticated:
            return self.none()
        seen = Q(pk__in=())
        tops = areas_of(user, Role.STEWARD, Role.LEADER, Role.SUPERVISOR)
        if tops:
            seen |= Q(dataset__area_code="") | within_areas(tops, "dataset__area_code")
        orgs = officer_orgs(user)
        if orgs:
            seen |= Q(consumer_org__in=orgs) | Q(dataset__provider__in=orgs)
        return self.filter(seen)

    def open(self) -> Self:
        return self.filter(state__in=OPEN)

    def overdue(self, *, at: datetime) -> Self:
        return self.filter(state__in=WAITING, due_at__lt=at)

    def live(self, *, at: datetime) -> Self:
        """In force: granted, not ended, whatever a watching task has or has not noticed yet."""
        return self.filter(state=AgreementState.GRANTED).filter(
            Q(expires_at__isnull=True) | Q(expires_at__gt=at)
        )

    def of_people(self) -> Self:
        return self.exclude(consumer_kind="platform")

    def with_use(self) -> Self:
        return self.annotate(
            calls=Sum("counts__calls", default=0),
            rows=Sum("counts__rows", default=0),
            refused=Sum("counts__refused", default=0),
            last_used=Max("counts__last_at"),
        )

    def most_used_first(self) -> Self:
        """Every grant there ever was, with its use."""
        used = self.filter(granted_at__isnull=False).with_use()
        return used.order_by(models.F("rows").desc(), models.F("calls").desc(), "-pk")


class CallQuerySet(models.QuerySet["ShareCall"]):
    def on_day(self, day: date) -> Self:
        return self.filter(day=day)

    def answered(self) -> Self:
        return self.filter(outcome=Outcome.OK)

    def by_day(self) -> Any:
        return self.values("day").annotate(calls=Count("pk"), rows=Sum("rows", default=0)).order_by("day")
