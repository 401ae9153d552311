"""The planted cases of truths.py, each with its own course."""

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from city.calendar import add_working_days, add_working_minutes
from city.selectors import area_name, organisation
from commandcenter.core.times import SHANGHAI
from dispatch.models import ClockRule, Order
from dispatch.services import (
    decide_extension,
    decide_hold,
    open_order,
    request_extension,
    request_hold,
    request_return,
    rule_return,
)
from hotline.models import Ticket

from . import desk, truths

if TYPE_CHECKING:
    from .story import Story

OWN_COURSE = frozenset(
    {truths.WHOLE_CHAIN, truths.REDONE, truths.RETURNED, truths.RULED, truths.OVERDUE, truths.EXTENDED,
     truths.HELD, truths.PROVISIONAL}
)  # fmt: skip
OWN_CALL_BACK = frozenset({truths.WHOLE_CHAIN, truths.REDONE})
HOUSING = "320613-housing"


def plan(story: "Story") -> None:
    """Put every planted case into the story's queue."""
    end = story.end

    def morning(days_ago: int, hour: int = 9) -> datetime:
        day = (end - timedelta(days=days_ago)).astimezone(SHANGHAI).date()
        while day.weekday() > 4:
            day -= timedelta(days=1)
        return datetime.combine(day, time(hour, 20), tzinfo=SHANGHAI)

    story.at(morning(12), lambda: _whole_chain(story))
    story.at(morning(15), lambda: _redone(story))
    story.at(morning(11), lambda: _returned(story, accepted=True))
    story.at(morning(10, 10), lambda: _returned(story, accepted=False))
    story.at(morning(25), lambda: _overdue(story))
    story.at(morning(8), lambda: _extended(story))
    story.at(morning(7), lambda: _held(story))
    story.at(morning(4), lambda: _provisional(story))
    story.at(morning(6), lambda: _sealed(story, truths.WHISTLEBLOW, "report"))
    story.at(morning(5), lambda: _sealed(story, truths.CONFIDENTIAL, "help"))
    for n in range(12):
        story.at(morning(3 + n % 9, 9 + n % 8), lambda: _recurrent(story))
    for n in range(30):
        start, stop = truths.typhoon_night(end)
        story.at(start + (stop - start) * n / 30, lambda: _typhoon(story))


def _call(story: "Story", title: str, content: str, category: str, **more: Any) -> Ticket:
    given = {"title": title, "content": content, "category_code": category, "request_type": "complaint",
             "urgency": "normal", **more}  # fmt: skip
    return desk.take_call(story.crew, story.rng, **given)


def _sent(story: "Story", title: str, content: str, category: str, unit: str = HOUSING, **more: Any) -> Order:
    more.setdefault("area_code", unit.split("-")[0])
    more.setdefault("location", None)
    more.setdefault("address", area_name(more["area_code"]))
    ticket = _call(story, title, content, category, **more)
    desk.dispatch(story.crew, ticket, organisation(unit))
    ticket.refresh_from_db()
    assert ticket.order is not None
    return ticket.order


def _course(story: "Story", order: Order, *, handle_after: int = 180) -> datetime:
    """Sign, contact, handle, check without haste; returns the moment of the check."""
    crew, rng, start = story.crew, story.rng, order.dispatched_at
    handled = add_working_minutes(start, handle_after)
    checked = add_working_minutes(handled, 45)
    story.at(add_working_minutes(start, 12), lambda: desk.sign(crew, order))
    story.at(add_working_minutes(start, 40), lambda: desk.contact(crew, order))
    story.at(handled, lambda: desk.handle(crew, rng, order))
    story.at(checked, lambda: desk.check(crew, rng, order))
    return checked


def _ask(story: "Story", order: Order, moment: datetime, verdict: tuple[str, str]) -> None:
    def ask() -> None:
        ticket = Ticket.objects.get(order=order)
        if ticket.state == "awaiting_callback":
            desk.call_back(story.crew, story.rng, ticket, verdict)

    story.at(moment, ask)


def _whole_chain(story: "Story") -> None:
    order = _sent(
        story, truths.WHOLE_CHAIN, "人民中路与青年路交叉口窨井盖破了一个洞，晚上看不清，很危险。", "1306"
    )
    checked = _course(story, order)
    _ask(story, order, checked + timedelta(days=1, hours=2), ("yes", "satisfied"))


def _redone(story: "Story") -> None:
    order = _sent(story, truths.REDONE, "小区暖气管道上周修过，昨天又漏了，楼下都是水。", "0606")
    checked = _course(story, order)
    asked = checked + timedelta(days=1, hours=2)
    _ask(story, order, asked, ("no", "dissatisfied"))

    def again() -> None:
        desk.handle(story.crew, story.rng, order)

    redone = add_working_minutes(asked, 420)
    story.at(redone, again)
    story.at(add_working_minutes(redone, 60), lambda: desk.check(story.crew, story.rng, order))
    _ask(story, order, redone + timedelta(days=3), ("yes", "satisfied"))


def _returned(story: "Story", *, accepted: bool) -> None:
    title = truths.RETURNED if accepted else truths.RULED
    order = _sent(story, title, "这一处到底归谁管，打了几次电话都说不是自己的。", "0702")
    crew, back = story.crew, add_working_minutes(order.dispatched_at, 60)
    story.at(
        back,
        lambda: request_return(
            order_id=order.pk,
            by=desk.officer_of(crew, order),
            reason="该点位不在本单位管养范围，附管养边界图。",
        ),
    )

    def rule() -> None:
        rule_return(
            order_id=order.pk,
            by=crew.dispatchers[1],
            accepted=accepted,
            note="经核对管养清单，退单成立。" if accepted else "管养清单列明由你单位负责，退单不成立。",
            to_org_id=organisation("320613-urban_mgmt").pk if accepted else None,  # type: ignore[union-attr]
        )
        if accepted:
            fresh = Order.objects.filter(case_ref=order.case_ref).order_by("-pk").first()
            if fresh:
                _course(story, fresh)

    story.at(back + timedelta(minutes=50), rule)
    if not accepted:
        done = add_working_minutes(back, 600)
        story.at(done, lambda: desk.handle(crew, story.rng, order))
        story.at(add_working_minutes(done, 60), lambda: desk.check(crew, story.rng, order))


def _overdue(story: "Story") -> None:
    order = _sent(story, truths.OVERDUE, "安置房交付三年了，不动产证一直办不下来，请给明确答复。", "0501")
    story.at(add_working_minutes(order.dispatched_at, 20), lambda: desk.sign(story.crew, order))


def _extended(story: "Story") -> None:
    order = _sent(story, truths.EXTENDED, "六楼老人多，希望加装电梯，一楼住户不同意，请协调。", "0606")
    crew, asked = story.crew, add_working_days(order.dispatched_at, 3)
    story.at(add_working_minutes(order.dispatched_at, 15), lambda: desk.sign(crew, order))
    story.at(
        asked,
        lambda: request_extension(
            order_id=order.pk, by=desk.officer_of(crew, order), days=5, reason="需召开两次业主协调会。"
        ),
    )
    story.at(asked + timedelta(hours=1), lambda: _decide(story, order, decide_extension))


def _held(story: "Story") -> None:
    order = _sent(story, truths.HELD, "村道塌了半边，下雨天不敢走。", "1204", "320623-transport")
    crew, asked = story.crew, add_working_days(order.dispatched_at, 1)
    story.at(add_working_minutes(order.dispatched_at, 15), lambda: desk.sign(crew, order))
    review = (story.end + timedelta(days=12)).date()
    story.at(
        asked,
        lambda: request_hold(
            order_id=order.pk, by=desk.officer_of(crew, order), reason="地下水位高，开挖会扩大塌陷。",
            release_condition="水位降至二米以下", review_on=review, evidence="地勘意见",
        ),
    )  # fmt: skip
    story.at(asked + timedelta(hours=1), lambda: _decide(story, order, decide_hold))


def _decide(story: "Story", order: Order, decide: Any) -> None:
    decide(order_id=order.pk, by=story.crew.dispatchers[1], granted=True, note="同意。")


def _provisional(story: "Story") -> None:
    """A petition's 60 days reach the year whose calendar nobody has published.

    60 days: rules on letters and visits (domain facts 1.3); 43 working days stand for them here.
    """
    ClockRule.objects.get_or_create(
        clock="handle", kind="", request_type="petition", urgency="", level=None,
        defaults={"amount": 43, "unit": "working_days", "source": "信访工作条例：60 日内办结"},
    )  # fmt: skip
    unit = organisation("320623-water")
    assert unit is not None
    order = open_order(
        kind="instruction", case_ref="demo.petition:1", title=truths.PROVISIONAL, area_code="320623",
        content="海塘多处护坡松动，请协调加固并书面答复信访人。", org_id=unit.pk, request_type="petition",
    )  # fmt: skip
    story.at(add_working_minutes(order.dispatched_at, 15), lambda: desk.sign(story.crew, order))


def _sealed(story: "Story", title: str, request_type: str) -> None:
    _sent(
        story, title, "请为我保密。具体时间、地点和经过已在电话中说明。", "1704", "320613-emergency",
        request_type=request_type, confidential=True,
    )  # fmt: skip


def _recurrent(story: "Story") -> None:
    ticket = _call(
        story,
        truths.RECURRENT,
        "高层住户早晚高峰没有水，已经反映过几次。",
        "1301",
        area_code="320613001",
        address=area_name("320613001"),
        location=None,
    )
    desk.dispatch(story.crew, ticket)


def _typhoon(story: "Story") -> None:
    ticket = _call(
        story,
        truths.TYPHOON,
        "大风把路边的树刮倒了，整条路过不去。",
        "1307",
        urgency="urgent",
        request_type="help",
    )
    desk.dispatch(story.crew, ticket)
