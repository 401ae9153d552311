"""Quality in the demo city: two weeks of a register that gets worse, a refused file, a correction."""

import random
from datetime import datetime, timedelta

import pyarrow as pa

from city.models import User
from commandcenter.core import clock
from datahub.checks.numbers import credit_code_check
from datahub.declare import RuleSpec
from datahub.quality.selectors import alive_of
from datahub.quality.services import act_on_incident
from datahub.quality.services.corrections import ask_correction
from datahub.quality.services.rules import save_rule
from datahub.quality.services.watching import watch_quality
from datahub.services import deliver

COMPANIES, LICENCES = "economy.company", "food.licence"
DAYS = 14
NAMES = ("崇川", "通州", "海门", "如东", "启东", "如皋", "海安", "开发区")
TRADES = ("纺织", "船配", "食品", "建材", "物流", "商贸", "电子", "农机")
STATES = ("存续", "存续", "存续", "注销")


def seed_quality(end: datetime, seed: int) -> dict[str, int]:
    """Safe to call once, after the catalogue is loaded and staff is employed. Returns what was made."""
    rng = random.Random(seed)
    steward = User.objects.get(username="steward")
    start = end - timedelta(days=DAYS)
    with clock.at(start):
        for rule in RULES:
            save_rule(dataset_code=rule[0], rule=rule[1], by=steward, note="按年度数据质量提升方案")
    last = None
    for day in range(DAYS):
        with clock.at(start + timedelta(days=day, hours=1)):
            bad = 0 if day < 6 else day - 4
            last = deliver(dataset_code=COMPANIES, table=companies(rng, day, bad), period=f"demo {day}")
    with clock.at(end - timedelta(hours=20)):
        wrong = pa.table({"编号": ["1"], "单位": ["甲"]})
        deliver(dataset_code=LICENCES, table=licences(rng), period="demo 1")
        deliver(dataset_code=LICENCES, table=wrong, period="demo 2")
    with clock.at(end - timedelta(hours=6)):
        assert last is not None
        ask_correction(
            row_ref=f"datahub.row:{last.pk}:1",
            column="address",
            wrong="人民中路1号",
            proposed="人民中路18号",
            evidence="现场走访：企业已于上月迁址，营业执照副本复印件附卷。",
            by=User.objects.get(username="analyst"),
        )
        for incident in alive_of(LICENCES):
            act_on_incident(incident_id=incident, action="acknowledge", by=steward)
    with clock.at(end):
        watch_quality()
    return {"deliveries": DAYS + 2, "rules": len(RULES)}


RULES: tuple[tuple[str, RuleSpec], ...] = (
    (COMPANIES, RuleSpec(code="uscc_valid", kind="credit_code", column="uscc", tolerance=0.01)),
    (
        COMPANIES,
        RuleSpec(code="status_known", kind="code_list", column="status", params={"codes": ["存续", "注销"]}),
    ),
    (
        COMPANIES,
        RuleSpec(code="address_there", kind="required", column="address", on_fail="note", tolerance=0.02),
    ),
)


def companies(rng: random.Random, day: int, bad: int) -> pa.Table:
    """Forty companies as of a day; `bad` of them with a wrong check sign, a strange state or no address."""
    rows = []
    for n in range(40):
        code = credit_code(rng)
        rows.append(
            {
                "uscc": code,
                "company": f"南通{rng.choice(NAMES)}{rng.choice(TRADES)}有限公司",
                "industry": rng.choice(TRADES),
                "status": rng.choice(STATES),
                "address": f"人民中路{n + 1}号",
            }
        )
    for n in range(bad):
        row = rows[5 + n * 3]
        if n % 3 == 0:
            row["uscc"] = row["uscc"][:-1] + ("0" if row["uscc"][-1] != "0" else "1")
        elif n % 3 == 1:
            row["status"] = "在营"
        else:
            row["address"] = ""
    return pa.table({name: [row[name] for row in rows] for name in rows[0]})


def licences(rng: random.Random) -> pa.Table:
    codes = [credit_code(rng) for _n in range(20)]
    return pa.table(
        {
            "cert_no": [f"JY1320602{n:05d}" for n in range(20)],
            "uscc": codes,
            "company": [f"南通{rng.choice(NAMES)}餐饮店" for _n in range(20)],
            "valid_to": ["2027-12-31"] * 20,
        }
    )


def credit_code(rng: random.Random) -> str:
    first = (
        f"9132060{rng.randint(0, 9)}" + "MA" + "".join(rng.choice("0123456789ABCDEFGH") for _n in range(7))
    )
    return first + credit_code_check(first)
