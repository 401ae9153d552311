"""Rows are chosen by area and organisation, in the query."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from city.models import Organisation, User
from city.querysets import within_areas
from city.roles import Role
from city.selectors import (
    areas_of,
    org_ids_of,
    responsible_org,
    watch_groups,
)
from commandcenter.core.codes import topmost
from tests.factories.city import (
    CHONGCHUAN,
    CITY,
    RUDONG,
    AreaFactory,
    OrganisationFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db
TOWN = f"{CHONGCHUAN}003"


@pytest.fixture
def city():
    for code in (CITY, CHONGCHUAN, RUDONG, TOWN):
        AreaFactory(code=code)


@pytest.mark.parametrize(
    ("codes", "found"),
    [
        pytest.param([CITY], {CITY, CHONGCHUAN, RUDONG, TOWN}, id="the city holds all"),
        pytest.param([CHONGCHUAN], {CHONGCHUAN, TOWN}, id="a county and below"),
        pytest.param([TOWN, RUDONG], {TOWN, RUDONG}, id="two places"),
        pytest.param([], set(), id="no area, no rows"),
        pytest.param([""], set(), id="an empty code is no area"),
        pytest.param(["3207"], set(), id="another city"),
    ],
)
def test_within_areas(codes, found):
    for code in (CITY, CHONGCHUAN, RUDONG, TOWN):
        OrganisationFactory(code=f"org-{code}", area_code=code)
    seen = Organisation.objects.filter(within_areas(codes)).values_list("area_code", flat=True)
    assert set(seen) == found


CODES = st.lists(st.sampled_from([CITY, CHONGCHUAN, RUDONG, TOWN, "3207", ""]))


@given(CODES)
def test_topmost_keeps_exactly_what_nothing_covers(codes):
    kept = topmost(codes)
    assert not any(a != b and a.startswith(b) for a in kept for b in kept)
    assert all(any(code.startswith(top) for top in kept) for code in codes if code)


def test_an_officer_sees_his_organisation_and_area_only(city):
    mine = OrganisationFactory(code="mine", area_code=CHONGCHUAN)
    OrganisationFactory(code="theirs", area_code=RUDONG)
    OrganisationFactory(code="above", area_code=CITY)
    officer = UserFactory(roles=[(Role.OFFICER, CHONGCHUAN, mine)], area_code=CHONGCHUAN)
    stranger = UserFactory(area_code=RUDONG)
    assert set(Organisation.objects.visible_to(officer)) == {mine}
    assert stranger not in User.objects.visible_to(officer)
    assert org_ids_of(officer, Role.OFFICER) == {mine.pk}
    assert org_ids_of(officer, Role.DISPATCHER) == set()
    assert areas_of(officer) == [CHONGCHUAN]


def test_without_roles_one_sees_oneself():
    user = UserFactory()
    OrganisationFactory()
    assert list(User.objects.visible_to(user)) == [user]
    assert not Organisation.objects.visible_to(user).exists()
    assert watch_groups(user) == frozenset()


def test_responsible_is_the_nearest_upwards(city):
    city_police = OrganisationFactory(code="c", function="police", area_code=CITY)
    county_police = OrganisationFactory(code="q", function="police", area_code=CHONGCHUAN)
    OrganisationFactory(code="closed", function="police", area_code=TOWN, active=False)
    OrganisationFactory(code="other", function="police", area_code=RUDONG)
    assert responsible_org(TOWN, "police") == county_police
    assert responsible_org(CITY, "police") == city_police
    assert responsible_org(TOWN, "fire") is None


@pytest.mark.parametrize(
    ("role", "area", "groups"),
    [
        (Role.LEADER, CHONGCHUAN, {(CHONGCHUAN, "leader")}),
        (Role.SUPERVISOR, CITY, {(CITY, "leader")}),
        (Role.DISPATCHER, CHONGCHUAN, {(CHONGCHUAN, "command")}),
        (Role.OPERATOR, CITY, {(CITY, "desk")}),
        (Role.ANALYST, RUDONG, {(RUDONG, "analyst")}),
        (Role.STEWARD, CITY, {(CITY, "steward")}),
        (Role.GRID_WORKER, TOWN, set()),
        (Role.SYSTEM_ADMIN, CITY, set()),
    ],
)
def test_a_role_listens_where_it_was_granted(city, role, area, groups):
    user = UserFactory(roles=[(role, area)])
    assert watch_groups(user) == frozenset({*groups, (CITY, f"user:{user.pk}")})


def test_an_officer_listens_as_his_organisation_only(city):
    education = OrganisationFactory(code="320613-jy", function="education")
    officer = UserFactory(roles=[(Role.OFFICER, CHONGCHUAN, education)])
    assert watch_groups(officer) == frozenset({(CITY, "org:320613-jy"), (CITY, f"user:{officer.pk}")})


def test_nested_areas_deliver_once(city):
    user = UserFactory(roles=[(Role.LEADER, CITY), (Role.LEADER, CHONGCHUAN)])
    assert (CHONGCHUAN, "leader") not in watch_groups(user)


def test_a_disabled_person_has_no_rights(city):
    user = UserFactory(may=[Role.LEADER], is_active=False)
    assert (watch_groups(user), areas_of(user), user.has_role(Role.LEADER)) == (frozenset(), [], False)


def test_rights_are_read_once_per_request(django_assert_num_queries):
    user = User.objects.get(pk=UserFactory(may=[Role.LEADER, Role.ANALYST]).pk)
    with django_assert_num_queries(2):  # own grants, deputyships
        assert user.has_role(Role.LEADER)
        assert areas_of(user, Role.ANALYST) == [CITY]
        assert org_ids_of(user) == set()
