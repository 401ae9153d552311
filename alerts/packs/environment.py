"""Air quality. All bounds are configurable defaults.

Source of the concentrations: HJ 633-2012, table 1, in μg/m³: PM2.5 24 h mean 75/115/150/250 (limits of
IAQI 100/150/200/300), ozone 1 h mean 160/200/300/400 (IAQI 50/100/150/200). 75 and 200 are also the
second-grade limits of GB 3095-2012 for PM2.5 (24 h) and ozone (1 h); its table 4 asks for at least 20 hourly
values behind a 24 h mean. The standards name a limit as still within, so a bound must be passed.
That passing them makes level 4, 3, 2, 1 (blue, yellow, orange, red) is this platform's own banding.
"""

from .base import DetectorSpec

_BANDING = "四级划分（蓝、黄、橙、红）为本平台自定，可配置。"
_BANDING_EN = (
    "The banding in four levels (blue, yellow, orange, red) is this platform's own and can be changed."
)

DETECTORS = [
    DetectorSpec(
        code="env-pm25-24h",
        pack="environment",
        name="PM2.5 24小时均值超标",
        name_en="PM2.5 24 h mean beyond limit",
        pattern="threshold",
        dataset_code="env.air_quality",
        subject_column="station",
        time_column="at",
        params={
            "column": "pm2_5",
            "unit": "μg/m³",
            "aggregate": "mean",
            "window_hours": 24,
            "min_readings": 20,
            "steps": [
                {"level": 4, "bound": 75},
                {"level": 3, "bound": 115},
                {"level": 2, "bound": 150},
                {"level": 1, "bound": 250},
            ],
            "clear_at": 70,
            "hold_readings": 2,
            "hold_minutes": 60,
            "cooldown_minutes": 360,
            "max_gap_minutes": 360,
            "silence_minutes": 180,
        },
        function="environment",
        auto_dispatch_from=4,
        source_text="HJ 633-2012 表1：PM2.5 24小时平均 75/115/150/250 μg/m³（IAQI 100/150/200/300）；"
        "GB 3095-2012 二级限值 75 μg/m³，日均值至少 20 个小时值。" + _BANDING,
        source_text_en="HJ 633-2012, table 1: PM2.5 24 h mean 75/115/150/250 μg/m³ (IAQI 100/150/200/300); "
        "GB 3095-2012: second-grade limit 75 μg/m³, at least 20 hourly values a day. " + _BANDING_EN,
    ),
    DetectorSpec(
        code="env-o3-1h",
        pack="environment",
        name="臭氧1小时均值超标",
        name_en="Ozone 1 h mean beyond limit",
        pattern="threshold",
        dataset_code="env.air_quality",
        subject_column="station",
        time_column="at",
        params={
            "column": "o3",
            "unit": "μg/m³",
            "steps": [
                {"level": 4, "bound": 160},
                {"level": 3, "bound": 200},
                {"level": 2, "bound": 300},
                {"level": 1, "bound": 400},
            ],
            "clear_at": 150,
            "hold_readings": 1,
            "cooldown_minutes": 360,
            "max_gap_minutes": 180,
            "silence_minutes": 180,
        },
        function="environment",
        auto_dispatch_from=4,
        source_text="HJ 633-2012 表1：臭氧 1小时平均 160/200/300/400 μg/m³（IAQI 50/100/150/200）；"
        "GB 3095-2012 二级限值 200 μg/m³。" + _BANDING,
        source_text_en="HJ 633-2012, table 1: ozone 1 h mean 160/200/300/400 μg/m³ (IAQI 50/100/150/200); "
        "GB 3095-2012: second-grade limit 200 μg/m³. " + _BANDING_EN,
    ),
]
