"""Draft, reviewed by a second person, published, retired; each step written down for good."""

from contextlib import suppress

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, connection, transaction
from django.urls import reverse

from city.roles import Role
from commandcenter.core.errors import BadInput, Conflict, IllegalMove
from commandcenter.journal.models import AuditEntry
from datahub import selectors
from datahub.catalogue.models import DatasetMove
from datahub.catalogue.services.life import move_dataset
from datahub.models import Dataset, Delivery
from datahub.services import deliver, save_dataset
from datahub.sharing.models import Agreement
from tests.factories.city import RUDONG, UserFactory
from tests.factories.datahub import READINGS, csv_file, rows

pytestmark = pytest.mark.django_db
FULL = READINGS.model_copy(
    update={
        "summary": "各站点读数。",
        "provider": "3206-environment",
        "domain": "生态环境",
        "share_basis": "政务数据共享条例",
    }
)
CODE = FULL.code


@pytest.fixture
def writer(city):
    return UserFactory(may=["steward"])


@pytest.fixture
def second(city):
    return UserFactory(may=["steward"])


def draft(by, spec=FULL):
    return save_dataset(spec, status="draft", by=by)[0]


def test_the_whole_life_is_written_down_and_audited(writer, second, noon, news):
    draft(writer)
    for action, by, note in [
        ("review", second, ""),
        ("send_back", second, "摘要太短"),
        ("review", second, ""),
        ("publish", writer, ""),
        ("retire", writer, "由新系统代替"),
    ]:
        move_dataset(code=CODE, action=action, by=by, note=note)
    moves = list(DatasetMove.objects.values_list("action", "from_state", "to_state", "by_id"))
    assert moves == [
        ("declare", "", "draft", writer.pk),
        ("review", "draft", "reviewed", second.pk),
        ("send_back", "reviewed", "draft", second.pk),
        ("review", "draft", "reviewed", second.pk),
        ("publish", "reviewed", "published", writer.pk),
        ("retire", "published", "retired", writer.pk),
    ]
    assert AuditEntry.objects.filter(action="datahub.send_back_dataset", reason="摘要太短").count() == 1
    assert list(news) == ["datahub.dataset.moved"] * 5
    assert Dataset.objects.get().published_at == noon
    assert Agreement.objects.filter(consumer_ref="datahub.preview:sample").count() == 1


@pytest.mark.parametrize(
    ("start", "action", "who", "note", "error"),
    [
        pytest.param("draft", "review", "writer", "", PermissionDenied, id="his own draft"),
        pytest.param("draft", "publish", "second", "", IllegalMove, id="not reviewed"),
        pytest.param("draft", "dance", "second", "", IllegalMove, id="no such step"),
        pytest.param("draft", "review", "analyst", "", PermissionDenied, id="no steward"),
        pytest.param("draft", "review", "elsewhere", "", PermissionDenied, id="steward of one county"),
        pytest.param("published", "retire", "second", "  ", BadInput, id="no reason"),
        pytest.param("retired", "publish", "second", "", IllegalMove, id="retired"),
    ],
)
def test_refusals_change_nothing_and_say_nothing(writer, second, noon, news, start, action, who, note, error):
    people = {
        "writer": writer,
        "second": second,
        "analyst": UserFactory(may=["analyst"]),
        "elsewhere": UserFactory(roles=[(Role.STEWARD, RUDONG, None)]),
    }
    draft(writer, FULL.model_copy(update={"area_code": "320613"}))
    Dataset.objects.update(status=start)
    before = (DatasetMove.objects.count(), AuditEntry.objects.count())
    with pytest.raises(error):
        move_dataset(code=CODE, action=action, by=people[who], note=note)
    assert Dataset.objects.get().status == start
    assert (DatasetMove.objects.count(), AuditEntry.objects.count()) == before
    assert list(news) == []


def test_a_countys_steward_does_not_review_what_is_the_whole_citys(writer, noon):
    draft(writer)
    with pytest.raises(PermissionDenied):
        move_dataset(code=CODE, action="review", by=UserFactory(roles=[(Role.STEWARD, RUDONG, None)]))
    assert Dataset.objects.get().status == "draft"


def test_core_metadata_must_be_whole_before_it_is_published(writer, second, noon):
    draft(writer, FULL.model_copy(update={"summary": "", "share_basis": ""}))
    move_dataset(code=CODE, action="review", by=second)
    with pytest.raises(BadInput) as refused:
        move_dataset(code=CODE, action="publish", by=second)
    assert {problem.field for problem in refused.value.problems} == {"summary", "share_basis"}
    assert Dataset.objects.get().status == "reviewed"


@pytest.mark.parametrize(
    "statement", ["UPDATE datahub_datasetmove SET note = 'x'", "DELETE FROM datahub_datasetmove"]
)
def test_a_step_cannot_be_changed_afterwards(writer, noon, statement):
    draft(writer)
    with suppress(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
        pytest.fail("the database let it pass")
    assert DatasetMove.objects.get().note == ""


def test_the_page_shows_life_quality_and_lineage_and_offers_the_next_step(client, writer, second, noon):
    draft(writer)
    page = reverse("datahub:dataset", args=[CODE])
    client.force_login(writer)
    html = client.get(page).content.decode()
    assert 'data-test="waits-for-second"' in html
    assert 'data-test="step-review"' not in html
    client.force_login(second)
    assert 'data-test="step-review"' in client.get(page).content.decode()
    answer = client.post(reverse("datahub:move_dataset", args=[CODE]), {"action": "review"})
    assert answer.status_code == 302
    client.post(reverse("datahub:move_dataset", args=[CODE]), {"action": "publish"})
    html = client.get(page).content.decode()
    assert 'data-action="publish"' in html
    for part in ("quality", "lineage", "life", "catalogue-number"):
        assert f'data-test="{part}"' in html


def test_a_refused_step_is_said_on_the_page(client, writer, noon):
    draft(writer)
    client.force_login(writer)
    answer = client.post(reverse("datahub:move_dataset", args=[CODE]), {"action": "publish"}, follow=True)
    assert answer.status_code == 200
    assert Dataset.objects.get().status == "draft"
    client.force_login(UserFactory(may=["officer"]))
    assert client.post(reverse("datahub:move_dataset", args=[CODE]), {"action": "review"}).status_code == 403


def test_what_was_never_connected_is_not_late_but_blind(writer, noon):
    save_dataset(FULL)
    assert selectors.late_datasets(noon).count() == 0
    assert selectors.source_is_late(CODE, noon)


@pytest.mark.parametrize(
    ("show", "codes"), [("", []), ("waiting", [CODE]), ("drafts", [CODE]), ("late", []), ("nonsense", [])]
)
def test_the_overview_has_a_list_for_each_question(client, writer, noon, show, codes):
    draft(writer)
    client.force_login(writer)
    page = client.get(reverse("datahub:overview"), {"show": show})
    assert [row["dataset"].code for row in page.context["rows"]] == codes


def test_a_delivered_history_counts_as_connected(client, writer, readings, noon, tmp_path):
    deliver(dataset_code=CODE, path=csv_file(tmp_path, rows(5)), history=True)
    client.force_login(writer)
    page = client.get(reverse("datahub:overview"))
    assert [row["dataset"].code for row in page.context["rows"]] == [CODE]


def test_a_retired_dataset_takes_nothing_in(writer, readings, noon, tmp_path):
    Dataset.objects.update(status="retired")
    with pytest.raises(Conflict):
        deliver(dataset_code=CODE, path=csv_file(tmp_path, rows(5)))
    assert not Delivery.objects.exists()
