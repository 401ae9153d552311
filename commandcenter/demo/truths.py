"""What is planted in the demo city, so that everybody can find it, tests first.

Titles are unique on purpose. Moments hang on the day of seeding, so that they stay recent.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

WHOLE_CHAIN = "人民中路窨井盖破损"
REDONE = "暖气管道维修不彻底"
RETURNED = "河道管理权属存疑的垃圾堆"
RULED = "背街小巷路灯归属争议"
OVERDUE = "安置房办证一直没有结果"
EXTENDED = "老旧小区加装电梯协调"
HELD = "道路塌陷待雨季后开挖修复"
WHISTLEBLOW = "举报某工地使用不合格钢筋"
CONFIDENTIAL = "来电人要求保密的家庭纠纷求助"
PROVISIONAL = "跨年度的海塘加固协调"
TYPHOON = "台风夜树木倒伏阻断道路"
RECURRENT = "同一小区二次供水水压不足"
BAD_UNIT = "320681-urban_mgmt"  # signs and handles late more often than others
SMALL_UNIT = "320671-tax"  # fewer than five orders: never ranked
BAD_DELIVERY_ROWS = 3  # rows of one delivery that the hub rejects


@dataclass(frozen=True)
class Episode:
    """Hours in which a station reports a planted value, μg/m³."""

    station: str
    column: str
    start: datetime
    end: datetime
    value: float


def episodes(seeded_at: datetime) -> tuple[Episode, ...]:
    """PM2.5 for two days and ozone for four hours in the weeks before seeding; PM2.5 again now."""
    hour = seeded_at.replace(minute=0, second=0, microsecond=0)
    return (
        Episode("NT06", "pm2_5", hour - timedelta(days=9), hour - timedelta(days=7), 132.0),
        Episode("NT01", "o3", hour - timedelta(days=5, hours=4), hour - timedelta(days=5), 218.0),
        Episode("NT02", "pm2_5", hour - timedelta(hours=30), hour + timedelta(hours=6), 96.0),
    )


def typhoon_night(seeded_at: datetime) -> tuple[datetime, datetime]:
    """The night when calls come five times as often."""
    start = (seeded_at - timedelta(days=20)).replace(hour=11, minute=0, second=0, microsecond=0)
    return start, start + timedelta(hours=10)
