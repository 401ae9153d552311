"""Catalogue numbers: 类 (1 digit) 项 (2) 目 (3) 细目 (as many as needed) / serial (6).

The rule of the 政务信息资源目录编制指南. A declaration may name its class; where it names none the
hub derives one: 类 3 is the axis of departments, 项 the department's function, 目 the domain,
细目 the kind of source. A number once given stays, whatever is changed about the dataset later.
"""

from django.db import connection
from django.db.models import Max

from city.functions import Function
from datahub.declare import DatasetSpec
from datahub.models import Dataset
from datahub.states import Origin

BY_DEPARTMENT = "3"
FUNCTIONS = {function.value: f"{n:02}" for n, function in enumerate(Function, start=1)}
NO_FUNCTION, NO_DOMAIN = "99", "999"
# Order is identity: new domains go to the end.
DOMAINS = (
    "生态环境",
    "政务热线",
    "危化品全流程",
    "群租房",
    "消防安全",
    "食品药品",
    "江海堤防与防汛",
    "城市生命线",
    "交通与停车",
    "违法建设",
    "长江禁渔与海洋渔业",
    "安全生产",
    "民生诉求",
    "网格治理",
    "关怀服务",
    "经济运行",
    "舆情热点",
    "教育医疗",
    "公共设施",
    "数据质量与安全",
    "综合与应急",
    "城市管理",
    "能源",
    "气象",
    "城市运行",
)
ORIGINS = {origin.value: str(n) for n, origin in enumerate(Origin, start=1)}
_LOCK = 72_300_101  # advisory lock: serials are given one at a time


def class_of(spec: DatasetSpec) -> str:
    """The class that the declaration names, or the one that follows from it."""
    if spec.class_code:
        return spec.class_code
    function = FUNCTIONS.get(spec.provider.partition("-")[2], NO_FUNCTION)
    domain = f"{DOMAINS.index(spec.domain) + 1:03}" if spec.domain in DOMAINS else NO_DOMAIN
    return f"{BY_DEPARTMENT}{function}{domain}{ORIGINS[spec.origin]}"


def give_number(spec: DatasetSpec) -> str:
    """The next free number of its class. Call inside a transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    prefix = f"{class_of(spec)}/"
    held = Dataset.objects.filter(catalogue_number__startswith=prefix)
    last = held.aggregate(last=Max("catalogue_number"))["last"]
    return f"{prefix}{int(last.removeprefix(prefix)) + 1 if last else 1:06}"


def parts_of(number: str) -> dict[str, str]:
    """类, 项, 目, 细目 and serial of a number, for those who read it aloud."""
    prefix, _, serial = number.partition("/")
    return {
        "category": prefix[:1],
        "item": prefix[1:3],
        "subject": prefix[3:6],
        "detail": prefix[6:],
        "serial": serial,
    }
