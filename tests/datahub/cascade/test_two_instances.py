"""County and city as two real instances: rows go both ways, and a kill at any moment changes no count."""

import random
import signal

import pytest

from tests.datahub.cascade.instance import Instance

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("cascade")]
COUNTY, CITY = "qidong", "nantong"
OWN, CITYS, RETURNED = "county.readings", "city.weather", "city.returned"
STEPS = [
    "cascade_arrived",
    "cascade_fetched",
    "staged",
    "lake_committed",
    "committed",
    "cascade_delivered",
    "cascade_moved",
]


@pytest.fixture(scope="module")
def levels(django_db_setup, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cascade")
    county, city = Instance(COUNTY, folder), Instance(CITY, folder)
    try:
        for one in (county, city):
            one.create()
            one.do("found")
        county.do("dataset", code=OWN, rows=700)
        city.do("dataset", code=CITYS, rows=300)
        for one in (county, city):
            one.start()
        key_for_city = county.do("introduce", code=CITY, url=city.url, level="city")
        key_for_county = city.do("introduce", code=COUNTY, url=county.url, level="county")
        city.do("trust", code=COUNTY, token=key_for_city)
        county.do("trust", code=CITY, token=key_for_county)
        yield county, city
    finally:
        for one in (county, city):
            one.destroy()


def test_up_down_and_killed_at_every_step(levels):
    """Reported up and fed down at once; killed at each step in turn, and resumed."""
    county, city = levels
    county.do("share", peer=CITY, code=OWN)
    city.do("share", peer=COUNTY, code=CITYS)
    above = city.do("connect", peer=COUNTY, remote=OWN, direction="up")
    below = county.do("connect", peer=CITY, remote=CITYS, direction="down")
    assert (above, below) == ("qidong.county__readings", "nantong.city__weather")
    for step in STEPS:
        assert city.sync(COUNTY, rows=100, die_at=step) == -signal.SIGKILL, step
    assert county.sync(CITY, rows=100, die_at="cascade_delivered") == -signal.SIGKILL
    assert city.sync(COUNTY, rows=100) == 0
    assert county.sync(CITY, rows=100) == 0
    up, down = city.do("report", code=above), county.do("report", code=below)
    assert (up["rows"], up["distinct"], up["open_batches"], up["errors"]) == (700, 700, 0, [])
    assert up["totals"]["up"] == {"routes": 1, "batches": 7, "rows": 700}
    assert up["route_rows"] == 700
    assert (down["rows"], down["distinct"]) == (300, 300)
    assert down["totals"]["down"] == {"routes": 1, "batches": 3, "rows": 300}
    # Nothing new: nothing moves.
    assert city.sync(COUNTY, rows=100) == 0
    assert city.do("report", code=above)["deliveries"] == 7


def test_killed_at_random_moments_while_the_source_grows(levels):
    county, city = levels
    above = "qidong.county__readings"
    before = city.do("report", code=above)["rows"]
    dice = random.Random(20261122)
    added = 0
    for n in range(4):
        added += county.do("add", code=OWN, rows=150, first=1_000 * (n + 1))
        city.sync(COUNTY, rows=40, kill_after=dice.uniform(0.8, 3.5))
    assert city.sync(COUNTY, rows=40) == 0
    found = city.do("report", code=above)
    assert (found["rows"], found["distinct"]) == (before + added, before + added)
    assert found["totals"]["up"]["rows"] == before + added
    assert found["open_batches"] == 0


def test_the_county_gets_its_own_rows_back(levels):
    """回流: what the county reported comes back from the city, checked and joined, into a dataset of its own."""
    county, city = levels
    above = "qidong.county__readings"
    city.do("share", peer=COUNTY, code=above)
    back = county.do("connect", peer=CITY, remote=above, direction="back")
    assert county.sync(CITY, rows=500) == 0
    expected = city.do("report", code=above)["rows"]
    found = county.do("report", code=back)
    assert (found["rows"], found["distinct"]) == (expected, expected)
    assert found["totals"]["back"]["rows"] == expected


def test_a_stopped_grant_ends_the_flow_at_once_and_a_dead_peer_is_reported(levels):
    county, city = levels
    county.do("dataset", code="county.more", rows=40)
    number = county.do("share", peer=CITY, code="county.more")
    here = city.do("connect", peer=COUNTY, remote="county.more", direction="up")
    assert city.sync(COUNTY, rows=10) == 0
    assert county.do("unshare", number=number) == "stopped"
    county.do("add", code="county.more", rows=40, first=5_000)
    with pytest.raises(AssertionError, match="403 stopped"):
        city.sync(COUNTY, rows=10)
    found = city.do("report", code=here)
    assert found["rows"] == 40
    assert any("403" in error for error in found["errors"])
    county.stop()
    with pytest.raises(AssertionError):
        city.sync(COUNTY, rows=10)
    assert city.do("report", code=here)["rows"] == 40
    assert county.do("served", peer=CITY)["refused"] >= 1
