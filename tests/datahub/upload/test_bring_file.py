"""A file comes in parts, waits for a word, and is delivered once, looked at by nobody but its owner."""

import errno
import io
from datetime import timedelta
from pathlib import Path

import pytest
from django.urls import reverse

from city.roles import Role
from commandcenter.core import clock
from commandcenter.core.errors import BadInput, Conflict
from commandcenter.core.moves import IllegalMove
from datahub import selectors
from datahub.models import Delivery
from datahub.upload import limits, services
from datahub.upload.models import Upload
from tests.factories.city import RUDONG, UserFactory
from tests.factories.datahub import READINGS, csv_text, make_dataset, rows

pytestmark = pytest.mark.django_db
CODE = READINGS.code


@pytest.fixture
def steward(client):
    user = UserFactory(may=["steward"])
    client.force_login(user)
    client.user = user
    return client


def bring(client, content, name="rows.csv", code=CODE):
    """As a browser without script; returns the address of the preview."""
    file = io.BytesIO(content)
    file.name = name
    answer = client.post(reverse("datahub:upload", args=[code]), {"file": file})
    assert answer.status_code == 302, answer.context["form"].errors
    return answer.headers["Location"]


def posted(page, **fixes):
    """What the browser would send back of the preview's form."""
    data = {}
    for field in page.context["form"]:
        value = field.value()
        if value not in (None, False):
            data[field.html_name] = "on" if value is True else value
    return {**data, **fixes}


def send(client, made, content, offset=0):
    return client.post(f"{made['part']}?offset={offset}", content, content_type="application/octet-stream")


def begun(client, content, name="rows.csv"):
    answer = client.post(reverse("datahub:upload_begin", args=[CODE]), {"name": name, "size": len(content)})
    assert answer.status_code == 201, answer.content
    return answer.json()


def kept(settings):
    return sorted((Path(settings.MEDIA_ROOT) / "datahub" / "uploads").iterdir())


def test_a_file_in_parts_is_looked_at_and_delivered_once(steward, readings, noon, settings):
    content = csv_text(rows(60)).encode()
    made = begun(steward, content)
    half = len(content) // 2
    assert send(steward, made, content[:half]).json() == {"received": half, "whole": False}
    assert send(steward, made, content[:half]).json() == {
        "received": half,
        "whole": False,
    }  # its answer was lost
    assert send(steward, made, content[half:], half).json() == {"received": len(content), "whole": True}
    page = steward.get(made["next"])
    assert page.context["look"].looked_at == 60
    assert len(page.context["look"].rows) == 50
    assert not Delivery.objects.exists()
    first = steward.post(made["next"], posted(page, action="confirm"))
    again = steward.post(made["next"], posted(page, action="confirm"))
    delivery = Delivery.objects.get()
    assert (
        first.headers["Location"]
        == again.headers["Location"]
        == reverse("datahub:delivery", args=[delivery.pk])
    )
    assert (delivery.state, delivery.source, delivery.rows_committed) == ("committed", "upload", 60)
    assert steward.get(made["next"]).headers["Location"] == first.headers["Location"]
    assert kept(settings) == []


def test_two_clicks_at_once_make_one_delivery(steward, readings, noon):
    bring(steward, csv_text(rows(5)).encode())
    upload = Upload.objects.get()
    first = services.confirm_upload(upload_id=upload.pk, by=steward.user)
    second = services.confirm_upload(upload_id=upload.pk, by=steward.user)
    assert first.pk == second.pk
    assert Delivery.objects.get().repeats == 0


def test_the_same_file_again_is_said_before_it_is_delivered(steward, readings, noon):
    content = csv_text(rows(5)).encode()
    address = bring(steward, content)
    steward.post(address, posted(steward.get(address), action="confirm"))
    address = bring(steward, content)
    page = steward.get(address)
    assert page.context["before"] == Delivery.objects.get()
    answer = steward.post(address, posted(page, action="confirm"))
    assert answer.headers["Location"] == reverse("datahub:delivery", args=[Delivery.objects.get().pk])
    assert selectors.read(CODE).num_rows == 5


def test_what_is_thrown_away_is_gone(steward, readings, noon, settings, django_capture_on_commit_callbacks):
    bring(steward, csv_text(rows(5)).encode())
    pk = Upload.objects.get().pk
    assert len(kept(settings)) == 1
    with django_capture_on_commit_callbacks(execute=True):
        answer = steward.post(reverse("datahub:upload_discard", args=[pk]))
    assert answer.headers["Location"] == reverse("datahub:upload", args=[CODE])
    assert (kept(settings), Upload.objects.count(), Delivery.objects.count()) == ([], 0, 0)
    assert steward.get(reverse("datahub:upload_preview", args=[pk])).status_code == 404


def test_a_delivered_file_cannot_be_thrown_away(steward, readings, noon):
    address = bring(steward, csv_text(rows(5)).encode())
    steward.post(address, posted(steward.get(address), action="confirm"))
    with pytest.raises(Conflict):
        services.discard_upload(upload_id=Upload.objects.get().pk, by=steward.user)
    assert Upload.objects.count() == 1


@pytest.mark.parametrize("who", ["another steward", "analyst", "stranger"])
def test_it_belongs_to_the_one_who_brought_it(client, steward, readings, noon, who):
    address = bring(steward, csv_text(rows(5)).encode())
    pk = Upload.objects.get().pk
    client.logout()
    if who != "stranger":
        client.force_login(UserFactory(may=["steward" if who == "another steward" else "analyst"]))
    status = {"another steward": 404, "analyst": 403, "stranger": 302}[who]
    assert client.get(address).status_code == status
    assert client.post(address, {"action": "confirm"}).status_code == status
    assert client.post(reverse("datahub:upload_discard", args=[pk])).status_code == status
    part = client.post(
        reverse("datahub:upload_part", args=[pk]) + "?offset=0", b"x", content_type="text/plain"
    )
    assert part.status_code == status
    assert (Upload.objects.count(), Delivery.objects.count()) == (1, 0)


def test_a_steward_of_another_county_cannot_begin(client, noon, city):
    make_dataset(READINGS.model_copy(update={"area_code": "320613"}))
    client.force_login(UserFactory(roles=[(Role.STEWARD, RUDONG, None)]))
    answer = client.post(reverse("datahub:upload_begin", args=[CODE]), {"name": "a", "size": 5})
    assert answer.status_code == 404
    assert not Upload.objects.exists()


def test_files_without_a_word_go_after_a_day(
    steward, readings, noon, settings, django_capture_on_commit_callbacks
):
    content = csv_text(rows(5)).encode()
    with clock.at(noon - timedelta(days=1, minutes=1)):
        services.bring_file(
            dataset_code=CODE, file_name="old.csv", size=len(content), chunks=[content], by=steward.user
        )
    with django_capture_on_commit_callbacks(execute=True):
        bring(steward, csv_text(rows(6)).encode(), "new.csv")
        services.sweep_uploads()
    assert [one.file_name for one in Upload.objects.all()] == ["new.csv"]
    assert len(kept(settings)) == 1


def test_sweeping_leaves_what_a_delivery_still_needs(steward, readings, noon, settings):
    content = csv_text(rows(5)).encode()
    with clock.at(noon - timedelta(days=2)):
        brought = services.bring_file(
            dataset_code=CODE, file_name="x.csv", size=len(content), chunks=[content], by=steward.user
        )
        services.confirm_upload(upload_id=brought.pk, by=steward.user)
    services.sweep_uploads()
    assert len(kept(settings)) == 1
    assert Delivery.objects.get().state == "received"


@pytest.mark.parametrize(("size", "status", "code"), [
    (0, 400, "empty"), (-5, 400, "empty"), ("many", 400, "empty"), (limits.MAX_BYTES + 1, 413, "too_large"),
])  # fmt: skip
def test_a_size_that_cannot_be_is_refused_before_a_byte_is_sent(
    steward, readings, size, status, code, settings
):
    answer = steward.post(reverse("datahub:upload_begin", args=[CODE]), {"name": "x", "size": size})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["error"]
    assert not Upload.objects.exists()


def test_a_full_disk_is_said_before_a_byte_is_sent(steward, readings, monkeypatch):
    monkeypatch.setattr(limits, "RESERVE", 2**60)
    answer = steward.post(reverse("datahub:upload_begin", args=[CODE]), {"name": "x", "size": 10})
    assert (answer.status_code, answer.json()["code"]) == (507, "no_room")
    assert not Upload.objects.exists()
    file = io.BytesIO(b"station,at\nS,2026-11-20\n")
    file.name = "x.csv"
    page = steward.post(reverse("datahub:upload", args=[CODE]), {"file": file})
    assert page.status_code == 200
    assert page.context["form"].errors["file"]


def test_a_disk_that_fills_up_on_the_way_leaves_the_parts_before(steward, readings, noon, monkeypatch):
    content = csv_text(rows(10)).encode()
    made = begun(steward, content)
    send(steward, made, content[:100])

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(services.os, "fsync", full)
        answer = send(steward, made, content[100:], 100)
    assert (answer.status_code, answer.json()["code"]) == (507, "no_room")
    assert Path(Upload.objects.get().path).read_bytes() == content[:100]
    assert send(steward, made, content[100:], 100).json()["whole"] is True


def test_parts_out_of_turn_and_too_many_bytes_are_refused(steward, readings, noon):
    made = begun(steward, b"0123456789")
    assert send(steward, made, b"89", 8).status_code == 409
    assert send(steward, made, b"0123456789and more").status_code == 400
    assert send(steward, made, b"x" * (limits.PART_BYTES + 1)).status_code == 400
    assert steward.post(f"{made['part']}?offset=x", b"1", content_type="text/plain").status_code == 400
    assert Path(Upload.objects.get().path).read_bytes() == b""
    assert steward.get(made["next"]).headers["Location"] == reverse("datahub:upload", args=[CODE])


def test_services_refuse_what_does_not_fit(steward, readings, noon):
    made = begun(steward, b"0123456789")
    pk = Upload.objects.get().pk
    with pytest.raises(IllegalMove):
        services.confirm_upload(upload_id=pk, by=steward.user)
    with pytest.raises(Upload.DoesNotExist):
        services.confirm_upload(upload_id=pk, by=UserFactory(may=["steward"]))
    with pytest.raises(BadInput):
        services.add_part(upload_id=pk, by=steward.user, offset=0, chunks=[b"x" * 99])
    assert made["received"] == 0
    assert not Delivery.objects.exists()


def test_a_retired_dataset_takes_nothing(steward, readings):
    readings.status = "retired"
    readings.save()
    answer = steward.post(reverse("datahub:upload_begin", args=[CODE]), {"name": "x", "size": 10})
    assert answer.status_code == 409
    assert not Upload.objects.exists()


def test_something_else_is_refused_at_the_preview_and_nothing_is_delivered(steward, readings, noon):
    address = bring(steward, b"\x89PNG\r\n\x1a\n" + b"0" * 50, "x.png")
    page = steward.get(address)
    assert b'data-reason="wrong_type"' in page.content
    assert b'data-test="confirm"' not in page.content
    assert not Delivery.objects.exists()


def test_a_file_that_was_taken_away_is_asked_for_again(steward, readings, noon):
    """Say, because a person in it was erased."""
    address = bring(steward, csv_text(rows(5)).encode())
    Path(Upload.objects.get().path).unlink()
    for answer in (steward.get(address), steward.post(address, {"action": "confirm"})):
        assert answer.headers["Location"] == reverse("datahub:upload", args=[CODE])
    assert not Delivery.objects.exists()
