"""People and places for tests. `UserFactory(may=["dispatcher"])` grants roles for the whole city."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import factory
from django.contrib.gis.geos import MultiPolygon, Polygon

from city.models import Area, Generation, Organisation, RoleGrant, User
from city.roles import ADMIN_ROLES, Role, role_class
from city.selectors import forget_areas
from city.states import GenerationState
from commandcenter.core.codes import level_of, parent_of

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
CITY, CHONGCHUAN, RUDONG = "3206", "320613", "320623"
PASSWORD = "Bright-Sky-42"


def square(lon: float, lat: float, size: float = 0.1) -> MultiPolygon:
    """A square boundary from its lower left corner, in degrees."""
    ring = ((lon, lat), (lon + size, lat), (lon + size, lat + size), (lon, lat + size), (lon, lat))
    return MultiPolygon(Polygon(ring, srid=4490), srid=4490)


def active_generation() -> Generation:
    found = Generation.objects.active().first()
    return found or Generation.objects.create(
        number=(Generation.objects.count() and Generation.objects.latest("number").number) + 1,
        state=GenerationState.ACTIVE,
        source="test",
        at=LONG_AGO,
        activated_at=LONG_AGO,
    )


class AreaFactory(factory.django.DjangoModelFactory):
    """AreaFactory(code="320613", name="崇川区"); level and parent follow from the code."""

    class Meta:
        model = Area
        django_get_or_create = ("generation", "code")

    generation = factory.LazyFunction(active_generation)
    code = CHONGCHUAN
    name = factory.LazyAttribute(lambda o: f"Area {o.code}")
    short_name = factory.LazyAttribute(lambda o: o.name)
    level = factory.LazyAttribute(lambda o: level_of(o.code))
    parent_code = factory.LazyAttribute(lambda o: parent_of(o.code) or "")

    @classmethod
    def _after_postgeneration(cls, instance: Any, create: bool, results: Any = None) -> None:
        forget_areas()


class OrganisationFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Organisation
        django_get_or_create = ("code",)

    code = factory.Sequence(lambda n: f"org-{n}")
    name = factory.LazyAttribute(lambda o: f"Organisation {o.code}")
    short_name = factory.LazyAttribute(lambda o: o.code)
    function = "housing"
    area_code = CHONGCHUAN
    kind = "department"


class UserFactory(factory.django.DjangoModelFactory):
    """UserFactory(roles=[(Role.OFFICER, "320613", org)]) or UserFactory(may=["dispatcher"])."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"user-{n}")
    display_name = factory.LazyAttribute(lambda o: f"Person {o.username}")
    area_code = CITY
    password = factory.django.Password(PASSWORD)

    @factory.post_generation
    def may(user: User, create: bool, extracted: Any, **kwargs: Any) -> None:
        for role in extracted or ():
            needs_org = role == Role.OFFICER
            _grant(user, role, CITY, OrganisationFactory(area_code=CITY) if needs_org else None)

    @factory.post_generation
    def roles(user: User, create: bool, extracted: Any, **kwargs: Any) -> None:
        for row in extracted or ():
            role, area_code, org = (*row, None, None)[:3]
            _grant(user, role, area_code or CITY, org)


def _grant(user: User, role: str, area_code: str, org: Organisation | None) -> RoleGrant:
    grant = RoleGrant.objects.create(
        user=user,
        role=role,
        role_class=role_class(role),
        area_code=area_code,
        organisation=org,
        since=LONG_AGO,
    )
    if role in ADMIN_ROLES and not user.is_staff:
        user.is_staff = True
        user.save(update_fields=["is_staff"])
    return grant
