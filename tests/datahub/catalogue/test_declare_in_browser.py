"""A dataset declared in the browser without code: sample, proposal, draft, delivery."""

import gzip
import io
import json
from datetime import timedelta

import pytest
from django.urls import reverse

from city.roles import Role
from commandcenter.core import clock
from datahub import selectors
from datahub.catalogue.models import Proposal, RepeatAnswer
from datahub.models import Dataset, Delivery
from tests.factories.city import RUDONG, UserFactory

pytestmark = pytest.mark.django_db

AIR_HEADER = (
    '"No","year","month","day","hour","PM2.5","PM10","SO2","NO2","CO","O3","TEMP","PRES","DEWP","RAIN",'
    '"wd","WSPM","station"\n'
)


def air(station):
    lines = [
        f"{n + 1},2013,3,{1 + n // 24},{n % 24},{n}.5,{n + 4},3,{'NA' if n % 5 == 0 else 7},200,82,-2.3,1020.8,"
        f'-19.7,0,"E",4.4,"{station}"\n'
        for n in range(48)
    ]
    return gzip.compress((AIR_HEADER + "".join(lines)).encode())


def tracks():
    lines = [f"00{n % 3},2008-10-23T02:{n:02}:04Z,39.98{n:04},116.31{n:04},{490 + n}\n" for n in range(60)]
    return gzip.compress(("device,time_utc,latitude,longitude,altitude_ft\n" + "".join(lines)).encode())


def requests_311():
    header = (
        "Unique Key,Created Date,Closed Date,Agency,Complaint Type,Incident Zip,Status,Latitude,Longitude"
    )
    lines = [
        f"3957{n:04},06/26/2018 {1 + n % 12:02}:58:54 AM,{'06/27/2018 12:50:01 PM' if n % 4 else ''},"
        f'NYPD,"Noise, street",11421,Closed,{40.6 + n / 1000 if n % 7 else ""},{-73.8 - n / 1000 if n % 7 else ""}'
        for n in range(30)
    ]
    return "\n".join([header, *lines]).encode()


def directory():
    lines = [
        f"{'管理部件' if n < 20 else '管理事项'},0{n // 20 + 1}{n % 20:03},0{n % 5},市政公用设施,井盖{n}"
        for n in range(40)
    ]
    return "\n".join(["kind,code,major_code,category,name", *lines]).encode()


def energy(zone):
    times = [
        f"2020-04-{1 + n // 24:02}{'T' if 'T' in zone else ' '}{n % 24:02}:00:00{zone[-6:]}"
        for n in range(72)
    ]
    body = "".join(f"{time},{'nan' if n == 9 else n / 100}\n" for n, time in enumerate(times))
    return gzip.compress(("start,value\n" + body).encode())


FILES = {
    **{
        f"PRSA_Data_{name}.csv.gz": (air(name), 48, "2013-02-28T16:00:00+00:00")
        for name in ("Aotizhongxin", "Dingling", "Guanyuan", "Huairou", "Shunyi", "Wanliu")
    },
    "geolife_tracks.csv.gz": (tracks(), 60, "2008-10-23T02:00:04+00:00"),
    "nyc311_2018_06_26.csv": (requests_311(), 30, "2018-06-26T04:58:54+00:00"),
    "directory.csv": (directory(), 40, None),
    "electricity-daily.csv.gz": (energy("T-06:00"), 72, "2020-04-01T06:00:00+00:00"),
    "electricity-hourly.csv.gz": (energy(" +00:00"), 72, "2020-04-01T00:00:00+00:00"),
}
FIXES = {"nyc311_2018_06_26.csv": {"timezone": "America/New_York"}}


@pytest.fixture
def steward(client):
    user = UserFactory(may=["steward"])
    client.force_login(user)
    client.user = user
    return client


def posted(page, **fixes):
    """What the browser would send back: the forms as they were shown, with some fields changed."""
    data = {}
    for form in (page.context["form"], page.context["columns"].management_form, *page.context["columns"]):
        for field in form:
            value = field.value()
            if value is not None and value is not False:
                data[field.html_name] = "on" if value is True else value
    return {**data, **fixes}


def begun(client, content, name="rows.csv"):
    file = io.BytesIO(content)
    file.name = name
    answer = client.post(reverse("datahub:declare"), {"file": file})
    assert answer.status_code == 302, answer.context["form"].errors
    return answer.headers["Location"]


@pytest.mark.parametrize("name", FILES)
def test_each_kind_of_real_file_is_declared_and_delivered(steward, city, noon, name):
    content, rows, first = FILES[name]
    address = begun(steward, content, name)
    page = steward.get(address)
    fixes = {"code": "test.sample", "name": "样例", "deliver": "1", **FIXES.get(name, {})}
    answer = steward.post(address, posted(page, **fixes))
    assert answer.status_code == 302, (answer.context["form"].errors, answer.context["columns"].errors)
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.rows_committed, delivery.rows_rejected) == ("committed", rows, 0)
    assert answer.headers["Location"] == reverse("datahub:delivery", args=[delivery.pk])
    dataset = Dataset.objects.get()
    assert (dataset.status, dataset.declared_by) == ("draft", steward.user)
    if first is not None:
        times = selectors.read(dataset.code, columns=[dataset.time_column]).column(0).to_pylist()
        assert min(times).isoformat() == first


def test_a_proposal_reads_time_parts_markers_units_and_keys(steward, city, noon):
    page = steward.get(begun(steward, *FILES["PRSA_Data_Dingling.csv.gz"][:1], "PRSA.csv.gz"))
    found = page.context["found"]
    by_header = {column.header: column for column in found.columns}
    assert found.parts == {"year": "year", "month": "month", "day": "day", "hour": "hour"}
    assert found.markers == ["NA"]
    assert (by_header["PM2.5"].code, by_header["PM2.5"].unit) == ("pm2_5", "μg/m³")
    assert not by_header["No"].use
    assert by_header["station"].role == "subject"
    assert by_header["station"].key
    assert found.key_of_parts


def test_gps_tracks_are_read_as_wgs84_and_stored_converted(steward, city, noon):
    address = begun(steward, tracks(), "geolife_tracks.csv.gz")
    page = steward.get(address)
    assert page.context["found"].datum == "wgs84"
    steward.post(address, posted(page, code="test.tracks", name="轨迹", deliver="1"))
    spec = selectors.spec_of("test.tracks")
    assert (spec.datum, spec.lon_column, spec.lat_column, spec.time_column) == (
        "wgs84",
        "lon",
        "lat",
        "time_utc",
    )


def test_a_pasted_header_is_enough_for_a_draft(steward, city, noon):
    answer = steward.post(reverse("datahub:declare"), {"header": "楼栋编号\t建筑面积(㎡)\t检查时间\t结论"})
    page = steward.get(answer.headers["Location"])
    codes = [column.code for column in page.context["found"].columns]
    assert len(set(codes)) == 4
    answer = steward.post(
        answer.headers["Location"],
        posted(page, **{"code": "test.pasted", "name": "房屋检查", "c-1-kind": "number"}),
    )
    assert answer.headers["Location"] == reverse("datahub:dataset", args=["test.pasted"])
    column = Dataset.objects.get().columns.all()[1]
    assert (column.kind, column.unit) == ("number", "㎡")


@pytest.mark.parametrize(
    ("fixes", "field"),
    [
        pytest.param({"code": "no code"}, "code", id="code"),
        pytest.param({"name": ""}, "name", id="name"),
        pytest.param({"part_year": "year", "part_hour": "hour"}, "part_year", id="gap in the parts"),
        pytest.param(
            {"c-5-personal": "on", "c-5-kind": "text"}, "privacy_class", id="personal but said internal"
        ),
    ],
)
def test_what_does_not_fit_is_said_and_nothing_is_made(steward, city, noon, fixes, field):
    address = begun(steward, FILES["PRSA_Data_Dingling.csv.gz"][0], "x.csv.gz")
    page = steward.get(address)
    data = posted(page, code="test.sample", name="样例")
    if "part_year" in fixes:
        data.pop("part_month")
    answer = steward.post(address, {**data, **fixes})
    assert answer.status_code == 200
    assert field in answer.context["form"].errors
    assert not Dataset.objects.exists()


@pytest.mark.parametrize(
    "content", [b"", b"\x89PNG\r\n\x1a\n" + b"0" * 60, b"PK\x03\x04broken", b"a,a\n1,2\n"], ids=str
)
def test_a_sample_that_cannot_be_read_is_refused_with_the_reason(steward, content, settings):
    file = io.BytesIO(content)
    file.name = "x.csv"
    answer = steward.post(reverse("datahub:declare"), {"file": file})
    assert answer.status_code == 200
    assert answer.context["form"].errors
    assert not Proposal.objects.exists()


def test_only_the_steward_declares_and_only_his_own(client, steward, city, noon):
    address = begun(steward, directory(), "directory.csv")
    client.force_login(UserFactory(may=["steward"]))
    assert client.get(address).status_code == 403
    client.force_login(UserFactory(may=["analyst"]))
    assert client.get(reverse("datahub:declare")).status_code == 403


def test_columns_that_the_city_holds_are_questioned_until_a_reason_is_given(steward, readings, noon):
    address = begun(steward, FILES["PRSA_Data_Dingling.csv.gz"][0], "first.csv.gz")
    steward.post(address, posted(steward.get(address), code="test.first", name="空气"))
    Dataset.objects.filter(code="test.first").update(status="published")
    again = begun(steward, FILES["PRSA_Data_Dingling.csv.gz"][0], "again.csv.gz")
    data = posted(steward.get(again), code="test.again", name="又一个")
    answer = steward.post(again, data)
    assert [one.dataset.code for one in answer.context["repeats"]] == ["test.first"]
    assert not Dataset.objects.filter(code="test.again").exists()
    assert steward.post(again, {**data, "answer": "go_on", "reason": " "}).status_code == 200
    assert not RepeatAnswer.objects.exists()
    assert steward.post(again, {**data, "answer": "go_on", "reason": "另一批站点"}).status_code == 302
    [said] = RepeatAnswer.objects.all()
    assert (said.decision, said.reason, said.dataset.code) == ("go_on", "另一批站点", "test.again")


def test_using_what_is_there_drops_the_proposal_and_counts_the_hours(steward, city, noon):
    address = begun(steward, FILES["PRSA_Data_Dingling.csv.gz"][0], "first.csv.gz")
    steward.post(address, posted(steward.get(address), code="test.first", name="空气"))
    Dataset.objects.filter(code="test.first").update(status="published")
    again = begun(steward, FILES["PRSA_Data_Dingling.csv.gz"][0], "again.csv.gz")
    data = posted(steward.get(again), code="test.again", name="又一个", answer="reuse")
    answer = steward.post(again, data)
    assert answer.headers["Location"] == reverse("datahub:dataset", args=["test.first"])
    [said] = RepeatAnswer.objects.all()
    assert (said.decision, said.hours_saved) == ("reuse", said.columns_saved * 2)
    assert said.columns_saved >= 12
    assert Proposal.objects.count() == 1


def test_a_draft_without_rows_is_declared_again_from_its_proposal(steward, city, noon):
    address = begun(steward, directory(), "directory.csv")
    steward.post(address, posted(steward.get(address), code="test.codes", name="代码"))
    answer = steward.post(address, posted(steward.get(address), code="test.codes", name="代码表"))
    assert answer.status_code == 302
    dataset = Dataset.objects.get()
    assert (dataset.name, dataset.revision) == ("代码表", 2)
    assert [move.action for move in dataset.moves.all()] == ["declare", "change"]


def test_the_sample_is_gone_once_delivered_and_after_a_week(steward, city, noon, settings):
    folder = settings.MEDIA_ROOT / "datahub" / "samples"
    address = begun(steward, directory(), "directory.csv")
    steward.post(address, posted(steward.get(address), code="test.codes", name="代码", deliver="1"))
    assert not list(folder.iterdir())
    with clock.at(noon - timedelta(days=8)):
        begun(steward, directory(), "old.csv")
    assert len(list(folder.iterdir())) == 1
    begun(steward, directory(), "new.csv")
    assert len(list(folder.iterdir())) == 1


def test_examples_of_personal_columns_are_not_kept(steward, city, noon):
    content = "编号,诉求人,结论\n1,张三丰,好\n2,李四光,差\n".encode()
    address = begun(steward, content, "people.csv")
    assert "张三丰" in str(Proposal.objects.get().found)
    page = steward.get(address)
    answer = steward.post(
        address,
        posted(
            page,
            **{"code": "test.people", "name": "诉求人", "c-1-personal": "on", "privacy_class": "personal"},
        ),
    )
    assert answer.status_code == 302
    assert "张三丰" not in str(Proposal.objects.get().found)


def test_what_a_countys_steward_declares_belongs_to_the_county(client, city, noon):
    client.force_login(UserFactory(roles=[(Role.STEWARD, RUDONG, None)]))
    address = begun(client, directory(), "directory.csv")
    client.post(address, posted(client.get(address), code="test.codes", name="代码"))
    assert Dataset.objects.get().area_code == RUDONG


def test_a_code_that_needs_its_kind_is_the_key_rather_than_a_name(steward, city, noon):
    lines = [f"{kind},{n:03},{kind}{n}" for kind in ("部件", "事项") for n in range(20)]
    page = steward.get(begun(steward, "\n".join(["kind,code,name", *lines]).encode(), "codes.csv"))
    assert [column.code for column in page.context["found"].columns if column.key] == ["kind", "code"]


@pytest.mark.parametrize(("name", "datum"), [("places.geojson", "wgs84"), ("places_gcj02.geojson", "gcj02")])
def test_geojson_with_shapes_is_declared_with_their_centroids(steward, city, noon, name, datum):
    shape = {"type": "Polygon", "coordinates": [[[120, 31], [121, 31], [121, 32], [120, 32], [120, 31]]]}
    features = [
        {"type": "Feature", "geometry": shape, "properties": {"adcode": 320600 + n, "名称": f"区{n}"}}
        for n in range(3)
    ]
    content = json.dumps({"type": "FeatureCollection", "features": features}).encode()
    address = begun(steward, content, name)
    page = steward.get(address)
    assert (page.context["found"].geometry, page.context["found"].datum) == ("centroid", datum)
    answer = steward.post(address, posted(page, code="test.places", name="区界", deliver="1"))
    assert answer.status_code == 302, answer.context["form"].errors
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.rows_committed) == ("committed", 3)
    mapping = selectors.spec_of("test.places").mapping("default")
    assert (mapping.geometry, mapping.datum) == ("centroid", datum)
    [lon, *_] = selectors.read("test.places", columns=["lon"]).column(0).to_pylist()
    assert (lon == 120.5) is (datum == "wgs84")
    assert abs(lon - 120.5) < 0.01
