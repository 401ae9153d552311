"""Organisations that share: a provider, a consumer, the data bureau, and agreements made by their real steps."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from city.roles import Role
from commandcenter.core import clock
from datahub.models import Dataset
from datahub.services import deliver, save_dataset
from datahub.sharing import services
from datahub.sharing.models import Agreement
from tests.factories.city import CITY, OrganisationFactory, UserFactory
from tests.factories.datahub import PEOPLE, READINGS, table_of_rows

PROVIDER, CONSUMER, BUREAU = "3206-environment", "3206-emergency", "3206-data"
CONDITIONAL = READINGS.model_copy(update={"provider": PROVIDER, "share_type": "conditional"})
UNCONDITIONAL = READINGS.model_copy(
    update={"code": "test.open_readings", "provider": PROVIDER, "share_type": "unconditional"}
)
CLOSED = READINGS.model_copy(update={"code": "test.closed", "provider": PROVIDER, "share_type": "none"})
PERSONS = PEOPLE.model_copy(update={"provider": PROVIDER, "share_type": "conditional"})
COLUMNS = ["station", "at", "value"]


def people() -> dict[str, Any]:
    """An officer of either side, one of a third organisation, the steward, an analyst."""
    provider = OrganisationFactory(code=PROVIDER, function="environment", area_code=CITY)
    consumer = OrganisationFactory(code=CONSUMER, function="emergency", area_code=CITY)
    other = OrganisationFactory(code="3206-jy", function="education", area_code=CITY)
    OrganisationFactory(code=BUREAU, function="data", area_code=CITY)
    return {
        "provider": UserFactory(roles=[(Role.OFFICER, CITY, provider)]),
        "consumer": UserFactory(roles=[(Role.OFFICER, CITY, consumer)]),
        "other": UserFactory(roles=[(Role.OFFICER, CITY, other)]),
        "steward": UserFactory(may=["steward"]),
        "analyst": UserFactory(may=["analyst"]),
    }


def shared(spec: Any = CONDITIONAL, *, rows: int = 0, **over: Any) -> Dataset:
    dataset = save_dataset(spec)[0]
    if rows:
        bring(spec.code, rows, **over)
    return dataset


def bring(code: str, rows: int, **over: Any) -> Any:
    delivery = deliver(dataset_code=code, table=table_of_rows(rows, **over))
    assert delivery.state == "committed", (delivery.reason, delivery.detail)
    return delivery


def applied(who: dict[str, Any], code: str = CONDITIONAL.code, **over: Any) -> Agreement:
    values: dict[str, Any] = {
        "dataset_code": code,
        "by": who["consumer"],
        "org_code": CONSUMER,
        "purpose": "汛期会商",
        "legal_basis": "《突发事件应对法》",
        "columns": COLUMNS,
        "until": clock.now() + timedelta(days=30),
    }
    return services.apply_for(**{**values, **over})


def granted(
    who: dict[str, Any], code: str = CONDITIONAL.code, *, terms: dict[str, Any] | None = None, **over: Any
) -> tuple[Agreement, str]:
    """A live grant and its token."""
    agreement = applied(who, code, **over)
    agreement = services.pass_check(agreement_id=agreement.pk, by=who["steward"])
    if agreement.state == "checked":
        agreement = services.grant(agreement_id=agreement.pk, by=who["provider"], **(terms or {}))
    return agreement, services.issue_token(agreement_id=agreement.pk, by=who["consumer"])
