"""What people of the demo city do, step by step, through the platform's own services.

Used by the story of the past months (clock pinned) and by the live feed (clock running).
"""

import random
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from city.models import Organisation, User
from city.roles import Role
from city.selectors import responsible_org
from commandcenter.core.errors import DomainError
from dispatch.models import Order
from dispatch.services import check_order, contact_caller, handle_order, sign_order
from grid.models import CellWorker, Report
from grid.services import report_event
from hotline.models import Category, Ticket
from hotline.services import answer_ticket, dispatch_ticket, record_call_back, take_ticket

from . import texts
from .places import random_point, random_village

# Shares of types and channels: the city's weekly bulletin to 10 December 2021.
TYPES = {"consult": 59.7, "help": 19.5, "complaint": 7.8, "report": 7.9, "suggestion": 1.0, "other": 4.1}
CHANNELS = {"phone": 93.5, "web": 2.2, "app": 1.8, "wechat": 1.3, "province": 1.2}
# Of 3,500 call-backs 93.20 % were satisfied; the split inside is judgement.
VERDICTS = (
    (("yes", "satisfied"), 78.0),
    (("yes", "basically"), 14.5),
    (("partly", "basically"), 4.0),
    (("no", "dissatisfied"), 3.5),
)


@dataclass
class Crew:
    """The people at work, looked up once."""

    operators: list[User]
    dispatchers: list[User]
    officers: dict[int, User]
    walkers: list[tuple[User, str]]
    functions: dict[str, str]

    @classmethod
    def at_work(cls) -> "Crew":
        def of(role: Role) -> list[User]:
            return list(User.objects.filter(grants__role=role, is_active=True).order_by("pk").distinct())

        officers = {user.organisation_id: user for user in of(Role.OFFICER) if user.organisation_id}
        cells = CellWorker.objects.select_related("user").order_by("pk")
        return cls(
            operators=of(Role.OPERATOR),
            dispatchers=of(Role.DISPATCHER),
            officers=officers,
            walkers=[(row.user, row.cell_code) for row in cells],
            functions=dict(Category.objects.exclude(function="").values_list("code", "function")),
        )


def pick(rng: random.Random, shares: dict[str, float]) -> str:
    return rng.choices(list(shares), weights=list(shares.values()))[0]


def take_call(crew: Crew, rng: random.Random, **given: Any) -> Ticket:
    """A call comes in and is written down."""
    topic = texts.choose(rng)
    village = random_village(rng)
    place = texts.place_words(rng, village.town, village.name)
    values: dict[str, Any] = {
        "title": topic.title,
        "content": texts.say(rng, topic, place),
        "channel": pick(rng, CHANNELS),
        "request_type": pick(rng, TYPES),
        "category_code": topic.category,
        "urgency": rng.choices(["normal", "urgent", "critical"], weights=[95, 4, 1])[0],
        "address": place,
        "location": random_point(rng, village),
        "caller_name": rng.choice(["王女士", "李先生", "张女士", "陈先生", "顾先生", "季女士"]),
        "caller_phone": f"1390000{rng.randint(0, 9999):04d}",
        "call_seconds": rng.randint(45, 420),
    }
    values.update(given)
    return take_ticket(by=rng.choice(crew.operators[1:] or crew.operators), **values)


def unit_for(crew: Crew, ticket: Ticket) -> Organisation | None:
    """The unit whose duty the category is, at the place; else the command centre of the area."""
    function = crew.functions.get(ticket.category.code if ticket.category else "", "command")
    return responsible_org(ticket.area_code, function) or responsible_org(ticket.area_code, "command")


def answer(crew: Crew, rng: random.Random, ticket: Ticket) -> None:
    """直接答复: from the knowledge base, while the caller is on the line."""
    reply = next((t.answer for t in texts.TOPICS if t.title == ticket.title), "已当场答复来电人。")
    answer_ticket(ticket_id=ticket.pk, reply=reply, by=_taker(crew, ticket))


def dispatch(crew: Crew, ticket: Ticket, org: Organisation | None = None) -> bool:
    """派单. False where the rules say no (a unit never gets a report about itself)."""
    unit = org or unit_for(crew, ticket)
    if unit is None:
        return False
    try:
        dispatch_ticket(ticket_id=ticket.pk, org_id=unit.pk, by=_taker(crew, ticket))
    except DomainError:
        return False
    return True


def _taker(crew: Crew, ticket: Ticket) -> User:
    return next((one for one in crew.operators if one.pk == ticket.taken_by_id), crew.operators[0])


def officer_of(crew: Crew, order: Order) -> User:
    return crew.officers[order.org_id]


def sign(crew: Crew, order: Order) -> None:
    sign_order(order_id=order.pk, by=officer_of(crew, order))


def contact(crew: Crew, order: Order) -> None:
    contact_caller(order_id=order.pk, by=officer_of(crew, order), note="已电话联系来电人，核实情况。")


def handle(crew: Crew, rng: random.Random, order: Order) -> None:
    result = next(
        (t.result for t in texts.TOPICS if t.title == order.title), "已到现场处置完毕，情况恢复正常。"
    )
    handle_order(order_id=order.pk, by=officer_of(crew, order), result=result, solved="yes")


def check(crew: Crew, rng: random.Random, order: Order, *, passed: bool = True) -> None:
    note = "" if passed else "未附现场照片，请补充。"
    check_order(
        order_id=order.pk, by=rng.choice(crew.dispatchers[1:] or crew.dispatchers), passed=passed, note=note
    )


def call_back(crew: Crew, rng: random.Random, ticket: Ticket, verdict: tuple[str, str] | None = None) -> None:
    """回访, with an answer in the proportions of the bulletin."""
    solved, satisfied = (
        verdict or rng.choices([v for v, _ in VERDICTS], weights=[weight for _, weight in VERDICTS])[0]
    )
    note = "来电人认为没有解决，请重新办理。" if solved == "no" else ""
    record_call_back(
        ticket_id=ticket.pk,
        by=crew.operators[-1],
        contacted=True,
        solved=solved,
        satisfied=satisfied,
        note=note,
    )


def walk(crew: Crew, rng: random.Random) -> Report | None:
    """A grid worker reports what lies on the way."""
    if not crew.walkers:
        return None
    walker, cell = rng.choice(crew.walkers[1:] or crew.walkers)
    kind, what = rng.choice(texts.REPORTS)
    solved = rng.random() < 0.45
    return report_event(
        by=walker,
        client_uuid=uuid.UUID(int=rng.getrandbits(128), version=4),
        kind_code=kind,
        content=what,
        area_code=cell,
        solved=solved,
        solved_note="当场处理完毕。" if solved else "",
    )


def waiting_call_backs() -> Any:
    return Ticket.objects.filter(state="awaiting_callback", source="live")


def soon(rng: random.Random, at: datetime, low: float, high: float) -> datetime:
    """Between low and high minutes later, more often sooner."""
    return at + timedelta(minutes=low + (high - low) * rng.random() ** 2)
