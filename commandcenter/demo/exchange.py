"""Sharing in the demo city: agreements in every state, calls under them, requests from the public.

Everything goes through the services, at the time it is said to have happened.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain

from city.models import User
from commandcenter.core import clock
from datahub.portal.services import accept_request, ask_for_data, decline_request, open_request
from datahub.sharing.models import Agreement
from datahub.sharing.services.applying import (
    apply_for,
    grant,
    pass_check,
    refuse_application,
    return_application,
)
from datahub.sharing.services.calls import Asked, Denied, answer
from datahub.sharing.services.ending import issue_token, stop_grant, watch_agreements
from datahub.sharing.services.platform import report_yield

CALL_DAYS, CALLS_A_DAY = 12, 3
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Wish:
    """An application: which dataset, by whose officer, what for, how many days ago, for how long."""

    dataset: str
    org: str
    purpose: str
    basis: str
    columns: tuple[str, ...]
    days_ago: float
    for_days: int = 365


BASIS = "《政务数据共享条例》（国务院令第809号）第二十条；部门三定规定"
HEALTH = Wish(
    "env.air_quality", "3206-health", "重污染天气呼吸道门诊预警，按站点逐小时比对就诊量", BASIS,
    ("station", "at", "pm2_5", "o3"), 17,
)  # fmt: skip
POLICE = Wish(
    "city.devices", "3206-police", "重点部位视频点位与警情叠加，核对盲区", BASIS,
    ("code", "kind", "name", "place", "lon", "lat"), 16,
)  # fmt: skip
SCHOOL = Wish(
    "env.air_quality", "3206-education", "中小学户外活动调整提示", BASIS, ("station", "at", "pm2_5"), 0.2
)
TRUCKS = Wish(
    "chem.vehicle_track", "3206-urban_mgmt", "危货车辆闯禁行区联合执法", BASIS,
    ("plate", "ts", "speed_kmh", "lon", "lat"), 18,
)  # fmt: skip
ALONE = Wish("care.living_alone", "320613-housing", "掌握情况", "工作需要", ("house_token", "ts", "m3"), 6)
RESIDENTS = Wish(
    "housing.residents", "320613-education", "学区招生测算", "招生工作安排", ("house_id", "persons"), 12
)
CALLS = Wish(
    "hotline.tickets", "3206-housing", "物业类诉求专项分析", BASIS,
    ("number", "taken_at", "category_name", "title"), 15,
)  # fmt: skip
TAXES = Wish(
    "economy.company", "3206-tax", "与税务登记比对，清理长期零申报户", BASIS,
    ("uscc", "company", "status"), 13, for_days=11,
)  # fmt: skip
WISHES = (HEALTH, POLICE, SCHOOL, TRUCKS, ALONE, RESIDENTS, CALLS, TAXES)


def seed_exchange(end: datetime) -> dict[str, int]:
    """Call once, after datasets were delivered and staff is employed. Returns what was made."""
    people = {user.username: user for user in User.objects.all()}
    made = [_Course(wish, people, end) for wish in WISHES]
    steps = sorted(chain.from_iterable(one.steps() for one in made), key=lambda step: step[0])
    calls = 0
    for at, step in steps:
        with clock.at(at):
            calls += bool(step())
    with clock.at(end):
        watch_agreements()
    return {"agreements": len(made), "calls": calls, "requests": _requests(end, people["steward"])}


class _Course:
    """What happens to one application, step by step."""

    def __init__(self, wish: Wish, people: dict[str, User], end: datetime) -> None:
        self.wish, self.end = wish, end
        self.steward = people["steward"]
        self.applicant = officer(wish.org, people)
        self.people = people
        self.start = end - wish.days_ago * DAY
        self.agreement: Agreement
        self.token = ""

    def steps(self):
        """(when, what) of this course; `what` returns True for a call that was answered."""
        yield self.start, self.apply
        after = self.start + timedelta(hours=5)
        if self.wish is ALONE:
            yield (
                after,
                lambda: self._did(return_application, note="用途过于笼统，请写明对应的业务事项和依据条款。"),
            )
        elif self.wish is not SCHOOL:
            yield after, lambda: self._did(pass_check, note="材料齐全")
        if self.wish is RESIDENTS:
            yield (
                after + DAY,
                lambda: self._did(
                    refuse_application,
                    as_provider=True,
                    note="涉及个人住所信息，招生测算可使用已脱敏的街镇汇总数。",
                ),
            )
        if self.wish in (POLICE, CALLS):
            yield (
                after + 3 * DAY,
                lambda: self._did(grant, as_provider=True, note="同意，仅限申请列", quota_calls=5_000),
            )
        if self.wish in (HEALTH, POLICE, CALLS, TAXES):
            yield after + 4 * DAY, self.take_token
            yield from self._calls()
        if self.wish is CALLS:
            yield (
                self.end - 2 * DAY,
                lambda: self._did(stop_grant, as_provider=True, reason="专项分析结束，停止共享"),
            )
        if self.wish is HEALTH:
            yield self.end - DAY, lambda: self._worth("重污染天气门诊预警", 3, "次")
        if self.wish is POLICE:
            yield self.end - 3 * DAY, lambda: self._worth("核出视频盲区", 27, "处")

    def apply(self) -> None:
        wish = self.wish
        self.agreement = apply_for(
            dataset_code=wish.dataset,
            by=self.applicant,
            org_code=wish.org,
            purpose=wish.purpose,
            legal_basis=wish.basis,
            columns=wish.columns,
            until=self.start + wish.for_days * DAY,
        )

    def take_token(self) -> None:
        self.token = issue_token(agreement_id=self.agreement.pk, by=self.applicant)

    def call(self) -> bool:
        """One call of the consumer's system; one that comes after a stop is refused, and logged so."""
        try:
            answer(Asked(self.wish.dataset, token=self.token, limit=200, ip="10.20.6.18"))
        except Denied:
            return False
        return True

    def _calls(self):
        first = max(self.start + 5 * DAY, self.end - CALL_DAYS * DAY)
        at = first
        while at < self.end:
            yield at, self.call
            at += DAY / CALLS_A_DAY

    def _did(self, service: Callable[..., object], *, as_provider: bool = False, **words: object) -> None:
        by = officer(self.agreement.dataset.provider, self.people) if as_provider else self.steward
        service(agreement_id=self.agreement.pk, by=by, **words)

    def _worth(self, title: str, amount: int, unit: str) -> None:
        report_yield(agreement_id=self.agreement.pk, by=self.applicant, title=title, amount=amount, unit=unit)


def officer(org_code: str, people: dict[str, User]) -> User:
    """Who acts for an organisation: a demo login where it has one."""
    for user in ("officer", "officer_education", "officer_police", "officer_rudong"):
        org = people[user].organisation
        if org is not None and org.code == org_code:
            return people[user]
    return people[f"of-{org_code}"]


def _requests(end: datetime, steward: User) -> int:
    """The public asks for data: one just now, one looked into, one opened, one that stays closed."""
    asked = {
        "parking": (
            "公共停车场泊位明细",
            "做一个找车位的小程序，需要各停车场的位置和总泊位数。",
            "company",
            0.1,
        ),
        "water": ("近五年水质监测结果", "研究沿江水质变化，用于硕士论文。", "school", 4),
        "company": ("食品经营许可名单", "核对外卖平台商户是否持证。", "person", 12),
        "tickets": ("12345 工单全文", "训练客服机器人。", "company", 15),
    }
    made = {}
    for name, (title, purpose, applicant, days) in asked.items():
        with clock.at(end - days * DAY):
            made[name] = ask_for_data(title=title, purpose=purpose, applicant=applicant)[0].pk
    with clock.at(end - 3 * DAY):
        accept_request(request_id=made["water"], by=steward, note="已请市水利局核对可开放的断面和年份。")
    with clock.at(end - 8 * DAY):
        open_request(
            request_id=made["company"], by=steward, dataset_code="food.licence",
            note="该数据已无条件开放，可直接下载或调用接口。",
        )  # fmt: skip
    with clock.at(end - 9 * DAY):
        decline_request(
            request_id=made["tickets"], by=steward,
            note="工单全文含个人信息，依法不予开放；已开放按类别、街镇汇总的受理量。",
        )  # fmt: skip
    return len(made)
