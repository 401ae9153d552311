"""The phone's pages: what they offer, what they take, and who may see what."""

import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from dispatch.models import Order
from grid.models import Report
from tests.factories.city import RUDONG, UserFactory
from tests.factories.grid import CELL, FRAUD, INSIDE, OUTSIDE, RUBBISH, a_report, photo

pytestmark = pytest.mark.django_db
JSON = {"Accept": "application/json"}


def form(**changed):
    data = {"client_uuid": str(uuid.uuid4()), "kind": RUBBISH, "lon": str(INSIDE[0]), "lat": str(INSIDE[1])}
    return {**data, **changed}


def send(client, data, **headers):
    return client.post(reverse("grid:send"), data, headers=headers or JSON)


def test_the_page_puts_photo_place_and_kind_before_anything_else(client, city):
    client.force_login(city["worker"])
    page = client.get(reverse("grid:report")).content.decode()
    order = [
        page.index(f'data-test="{mark}"') for mark in ("photo", "place", f"kind-{RUBBISH}", "content", "send")
    ]
    assert order == sorted(order)
    assert f'<option value="{CELL}">' in page
    assert 'capture="environment"' in page
    assert 'data-page="grid_report"' in page


def test_the_phone_sends_and_gets_a_number(client, city):
    client.force_login(city["worker"])
    upload = SimpleUploadedFile("../../x.php", photo(secret=True), content_type="text/html")
    data = form(photo=upload, happened_at="2026-11-20T03:00:00.123Z", accuracy_m="12.5", content="垃圾")
    answer = send(client, data)
    assert answer.status_code == 201
    report = Report.objects.get(number=answer.json()["number"])
    assert (report.area_code, report.content, report.accuracy_m) == (CELL, "垃圾", 12.5)
    assert report.photo.name.endswith(".jpg")
    assert Order.objects.count() == 1
    again = send(client, {**data, "photo": ""})
    assert (again.status_code, again.json()["number"]) == (201, report.number)
    assert Order.objects.count() == 1


def test_without_script_it_is_a_plain_form(client, city):
    client.force_login(city["worker"])
    answer = send(client, form(lon="", lat="", area_code=CELL), Accept="text/html")
    assert answer.status_code == 302
    assert answer.url == reverse("grid:detail", args=[Report.objects.get().pk])
    refused = send(client, form(kind="nonsense"), Accept="text/html")
    assert refused.status_code == 400
    assert 'data-test="refused"' in refused.content.decode()


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"kind": ""}, 400),
        ({"client_uuid": "x"}, 400),
        ({"lon": "999"}, 400),
        ({"lon": "nan"}, 400),
        ({"lon": str(OUTSIDE[0]), "lat": str(OUTSIDE[1])}, 400),
        ({"photo": SimpleUploadedFile("x.jpg", b"MZ not a photo")}, 400),
        ({"happened_at": "yesterday"}, 400),
    ],
)
def test_refusals_say_why_and_take_nothing(changed, status, client, city):
    client.force_login(city["worker"])
    answer = send(client, form(**changed))
    assert (answer.status_code, bool(answer.json()["detail"])) == (status, True)
    assert not Report.objects.exists()


def test_the_queue_learns_whether_it_is_still_signed_in(client, city):
    token = client.get(reverse("grid:token")).json()
    assert token["user"] is None
    assert send(client, form()).status_code == 401
    client.force_login(city["worker"])
    token = client.get(reverse("grid:token")).json()
    assert (token["user"], bool(token["csrf"])) == (city["worker"].pk, True)
    client.force_login(UserFactory(may=["officer"]))
    assert send(client, form()).status_code == 403
    assert not Report.objects.exists()


def test_the_place_in_words(client, city):
    client.force_login(city["worker"])
    where = reverse("grid:where")
    assert client.get(where, {"lon": INSIDE[0], "lat": INSIDE[1]}).json()["code"] == CELL
    assert client.get(where, {"lon": OUTSIDE[0], "lat": OUTSIDE[1]}).json() == {"code": "", "name": ""}
    assert client.get(where, {"lon": "x"}).status_code == 400


@pytest.fixture
def people(city):
    return {
        **city,
        "urban_officer": UserFactory(roles=[("officer", "320613", city["urban"])]),
        "police_officer": UserFactory(roles=[("officer", "320613", city["police"])]),
        "dispatcher": UserFactory(may=["dispatcher"]),
        "dispatcher_elsewhere": UserFactory(roles=[("dispatcher", RUDONG)]),
        "leader": UserFactory(may=["leader"]),
        "other_worker": UserFactory(may=["grid_worker"]),
        "operator": UserFactory(may=["operator"]),
    }


@pytest.mark.parametrize(
    ("kind", "sees"),
    [
        (RUBBISH, {"worker", "urban_officer", "dispatcher", "leader"}),
        (FRAUD, {"worker", "police_officer", "dispatcher"}),
    ],
)
def test_report_and_photo_are_for_those_who_may_see_it(kind, sees, client, people):
    report = a_report(people["worker"], kind_code=kind, photo=photo())
    urls = [
        reverse("grid:detail", args=[report.pk]),
        reverse("grid:photo", args=[report.pk]),
        f"/api/v1/grid/reports/{report.pk}/",
    ]
    for url in urls:
        assert client.get(url).status_code in (302, 401, 403)
    for name in (
        "worker",
        "urban_officer",
        "police_officer",
        "dispatcher",
        "dispatcher_elsewhere",
        "leader",
        "other_worker",
        "operator",
    ):
        client.force_login(people[name])
        assert [client.get(url).status_code for url in urls] == [200 if name in sees else 404] * 3, name
    assert client.get(f"/media/{report.photo.name}").status_code == 404


def test_a_report_without_photo_has_none(client, city):
    report = a_report(city["worker"])
    client.force_login(city["worker"])
    assert client.get(reverse("grid:photo", args=[report.pk])).status_code == 404


def test_mine_shows_own_progress_only(client, city, query_budget):
    own = a_report(city["worker"])
    other = a_report(UserFactory(may=["grid_worker"]))
    client.force_login(city["worker"])
    page = client.get(reverse("grid:mine")).content.decode()
    assert f'data-test="report-{own.pk}"' in page
    assert f'data-test="report-{other.pk}"' not in page
    part = client.get(reverse("grid:mine"), headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    for _n in range(12):
        a_report(city["worker"])
    with query_budget("grid.mine"):
        client.get(reverse("grid:mine"))


def test_pages_of_the_phone_are_for_grid_workers(client, city):
    for url in (reverse("grid:report"), reverse("grid:mine")):
        assert client.get(url).status_code == 302
        client.force_login(UserFactory(may=["officer"]))
        assert client.get(url).status_code == 403
        client.logout()


def test_the_api_takes_a_report_once(client, city):
    client.force_login(city["worker"])
    data = {"client_uuid": str(uuid.uuid4()), "kind": RUBBISH, "lon": INSIDE[0], "lat": INSIDE[1]}
    first = client.post("/api/v1/grid/reports/", data, content_type="application/json")
    again = client.post("/api/v1/grid/reports/", data, content_type="application/json")
    assert (first.status_code, first.json()["id"]) == (201, again.json()["id"])
    assert client.get("/api/v1/grid/kinds/").json()
    bad = client.post(
        "/api/v1/grid/reports/",
        {**data, "client_uuid": str(uuid.uuid4()), "kind": "no"},
        content_type="application/json",
    )
    assert (bad.status_code, bad.json()["code"]) == (400, "bad_input")
    client.force_login(UserFactory(may=["leader"]))
    assert (
        client.post(
            "/api/v1/grid/reports/",
            {**data, "client_uuid": str(uuid.uuid4())},
            content_type="application/json",
        ).status_code
        == 403
    )
    assert Report.objects.count() == 1


def test_the_service_worker_may_stand_before_its_own_folder_only(client, city, settings, tmp_path):
    settings.BASE_DIR = tmp_path
    assert client.get(reverse("grid:worker")).status_code == 404  # not built
    built = tmp_path / "static_build"
    built.mkdir()
    (built / "sw.js").write_text("self.x = 1")
    (built / "manifest.json").write_text('{"src/pages/grid_sw.ts": {"file": "sw.js"}}')
    answer = client.get(reverse("grid:worker"))
    assert answer.headers["Service-Worker-Allowed"] == reverse("grid:report")
    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert answer.content == b"self.x = 1"
