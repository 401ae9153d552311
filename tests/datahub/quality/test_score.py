"""The score: arithmetic that can be followed by hand, kept when a delivery ends."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commandcenter.core import clock
from datahub.quality.models import DailyScore, DeliveryScore, QualityLimit
from datahub.quality.scoring import Part, score_of
from datahub.quality.selectors import (
    chart_of,
    checks_now,
    overview_part,
    score_by_day,
    scores_now,
    worst_first,
)
from datahub.quality.services.watching import count_calls, watch_timeliness
from datahub.quality.states import DEFAULTS, Dimension
from datahub.services import deliver
from tests.factories.datahub import NOON, READINGS, make_dataset, table_of_rows

from .kit import PROVIDER, SHOPS, declared, shop, shops, staff

WEIGHTS = {one: DEFAULTS[f"w_{one}"] for one in Dimension.values}
parts = st.lists(
    st.builds(
        lambda d, n, share: Part(d, n, int(n * share)),
        st.sampled_from(Dimension.values),
        st.integers(1, 10**6),
        st.floats(0, 1),
    ),
    min_size=1,
    max_size=12,
)


def test_weights_make_a_hundred():
    assert sum(WEIGHTS.values()) == 100


@given(parts)
def test_a_score_lies_between_nothing_and_everything(found):
    score = score_of(found, WEIGHTS)
    assert score.total is not None
    assert min(score.dimensions.values()) - 1e-9 <= score.total <= max(score.dimensions.values()) + 1e-9
    assert 0 <= score.total <= 100


@given(parts)
def test_one_more_failure_never_helps(found):
    worse = [part._replace(failed=min(part.failed + 1, part.checked)) for part in found]
    assert score_of(worse, WEIGHTS).total <= score_of(found, WEIGHTS).total + 1e-9


@given(parts)
def test_what_passes_whole_is_a_hundred(found):
    assert score_of([part._replace(failed=0) for part in found], WEIGHTS).total == pytest.approx(100)


def test_the_total_by_hand():
    """Validity 90 (weight 20), uniqueness 50 (weight 10): (90*20 + 50*10) / 30."""
    found = [Part("validity", 10, 0), Part("validity", 10, 2), Part("uniqueness", 4, 2)]
    score = score_of(found, WEIGHTS)
    assert score.dimensions == {"validity": 90.0, "uniqueness": 50.0}
    assert score.total == pytest.approx(230 / 3)


def test_without_checks_there_is_no_score():
    assert score_of([], WEIGHTS).total is None


@pytest.mark.django_db
class TestKept:
    @pytest.fixture(autouse=True)
    def _people(self, city):
        staff()

    def test_a_delivery_leaves_its_checks_and_its_score(self, tmp_path):
        declared()
        delivery = shops(
            tmp_path, [shop("A"), shop("B", staff="x"), shop("C", staff=900), shop("C2", name="")]
        )
        kept = DeliveryScore.objects.get(delivery=delivery)
        found = {code: tuple(part[1:]) for code, part in kept.parts.items()}
        assert found == {
            "=required": (8, 1),  # two required columns of four rows
            "=type": (12, 1),
            "=record": (4, 0),
            "=key": (4, 0),
            "staff_range": (4, 1),
            "open_before_close": (4, 0),
        }
        validity, completeness, accuracy = (11 / 12 + 1) / 2 * 100, 7 / 8 * 100, 75.0
        by_hand = (validity * 20 + completeness * 20 + accuracy * 10 + 100 * 10 + 100 * 15) / 75
        assert kept.score == pytest.approx(by_hand)

    def test_the_days_sums_are_those_of_its_deliveries(self, tmp_path):
        dataset = declared()
        shops(tmp_path, [shop("A"), shop("B", staff=900)])
        shops(tmp_path, [shop("C"), shop("D")], "two.csv")
        row = DailyScore.objects.get(dataset=dataset, rule="staff_range")
        assert (row.checked, row.failed, row.deliveries, row.dimension) == (4, 1, 2, "accuracy")
        worst = checks_now(dataset, at=clock.now())[0]
        assert (worst["rule"], worst["rate"]) == ("staff_range", 75.0)

    def test_the_curve_has_a_point_for_each_day(self, tmp_path):
        dataset = declared()
        for n in range(3):
            with clock.at(NOON + timedelta(days=n)):
                shops(tmp_path, [shop(f"A{n}"), shop(f"B{n}", staff=900 if n == 1 else 1)], f"{n}.csv")
        at = NOON + timedelta(days=2)
        days = score_by_day(dataset, at=at)
        assert [score.total == 100 for _day, score in days] == [True, False, True]
        chart = chart_of(days, at=at)
        assert len(chart["points"]) == 3
        assert chart["points"][1]["y"] > chart["points"][0]["y"] == 0
        assert chart["points"][-1]["x"] == 720.0

    def test_weights_are_the_citys_own(self, tmp_path):
        dataset = declared()
        shops(tmp_path, [shop("A"), shop("B", staff=900)])
        QualityLimit.objects.create(limit="w_accuracy", value=0)
        assert scores_now([dataset.pk], at=clock.now())[dataset.pk].total == pytest.approx(100)

    def test_a_late_source_loses_timeliness_even_when_it_says_nothing(self):
        dataset = make_dataset(READINGS.model_copy(update={"provider": PROVIDER}))
        with clock.at(NOON):
            deliver(dataset_code=READINGS.code, table=table_of_rows(3))
        tomorrow = NOON + timedelta(days=1)
        watch_timeliness(tomorrow)
        watch_timeliness(tomorrow + timedelta(minutes=1))
        row = DailyScore.objects.get(dataset=dataset, rule="=cycle")
        assert (row.checked, row.failed) == (1, 1)
        assert scores_now([dataset.pk], at=tomorrow)[dataset.pk].dimensions["timeliness"] == 0

    def test_a_delivery_within_its_cycle_is_in_time(self):
        dataset = make_dataset()
        for hour in range(3):
            at = NOON + timedelta(hours=hour)
            with clock.at(at):
                deliver(dataset_code=READINGS.code, table=table_of_rows(2, at=at), period=str(hour))
        row = DailyScore.objects.get(dataset=dataset, rule="=cycle")
        assert (row.checked, row.failed) == (2, 0)

    def test_a_days_calls_make_accessibility(self):
        from datahub.sharing.models import ShareCall

        dataset = declared()
        for outcome, denial in [("ok", ""), ("ok", ""), ("ok", ""), ("failed", ""), ("refused", "no_token")]:
            ShareCall.objects.create(
                dataset_code=SHOPS.code, way="api", outcome=outcome, denial=denial, day=NOON.date(), at=NOON
            )
        count_calls(NOON)
        count_calls(NOON)
        row = DailyScore.objects.get(dataset=dataset, rule="=calls")
        assert (row.checked, row.failed, row.dimension) == (4, 1, "accessibility")

    def test_worst_first_and_the_unmeasured_last(self, tmp_path):
        good, never = declared(), make_dataset()
        bad = declared(SHOPS.model_copy(update={"code": "test.shops_bad"}))
        shops(tmp_path, [shop("A")])
        from tests.factories.datahub import csv_file

        deliver(
            dataset_code="test.shops_bad", path=csv_file(tmp_path, [shop("A"), shop("B", staff=900)], "b.csv")
        )
        found = overview_part([good.pk, never.pk, bad.pk], at=clock.now())
        order = sorted(found, key=lambda pk: worst_first(found[pk]))
        assert order == [bad.pk, good.pk, never.pk]
        assert (found[bad.pk]["incidents"], found[never.pk]["score"]) == (1, None)

    def test_two_queries_whatever_the_number_of_sources(self, django_assert_num_queries):
        made = [declared(SHOPS.model_copy(update={"code": f"test.shops_{n}"})).pk for n in range(5)]
        at = clock.now()
        with django_assert_num_queries(3):
            overview_part(made, at=at)
