"""Air: hourly readings and the register of stations.

Ranges are what instruments of the national network can report, wide on purpose: a rule here
rejects nonsense, a detector judges pollution. Concentrations in μg/m³ as in GB 3095-2012
(CO there in mg/m³; the sources seen here give μg/m³, and the unit says so).
"""

from datetime import timedelta

from datahub.declare import ColumnSpec, DatasetSpec, MappingSpec, RuleSpec

MICROGRAMS = "μg/m³"


def _measured(code: str, name: str, name_en: str, unit: str) -> ColumnSpec:
    return ColumnSpec(code=code, kind="number", name=name, name_en=name_en, unit=unit)


def _range(column: str, low: float, high: float) -> RuleSpec:
    return RuleSpec(code=f"{column}_range", kind="range", column=column, params={"min": low, "max": high})


AIR_QUALITY = DatasetSpec(
    code="env.air_quality",
    name="空气质量小时数据",
    name_en="Air quality, hourly",
    summary="各监测站点逐小时污染物浓度与气象要素。",
    domain="生态环境",
    provider="3206-environment",
    origin="sensed",
    format="stream",
    tags=("空气", "PM2.5"),
    privacy_class="none",
    share_type="unconditional",
    open_type="open",
    update_cycle=timedelta(hours=1),
    lateness_limit=timedelta(days=1),
    time_column="at",
    subject_column="station",
    key_columns=("station", "at"),
    lon_column="lon",
    lat_column="lat",
    columns=(
        ColumnSpec(code="station", kind="text", name="站点", name_en="Station", required=True),
        ColumnSpec(code="at", kind="time", name="监测时间", name_en="Measured at", required=True),
        _measured("pm2_5", "细颗粒物", "PM2.5", MICROGRAMS),
        _measured("pm10", "可吸入颗粒物", "PM10", MICROGRAMS),
        _measured("so2", "二氧化硫", "Sulphur dioxide", MICROGRAMS),
        _measured("no2", "二氧化氮", "Nitrogen dioxide", MICROGRAMS),
        _measured("co", "一氧化碳", "Carbon monoxide", MICROGRAMS),
        _measured("o3", "臭氧", "Ozone", MICROGRAMS),
        _measured("temp_c", "气温", "Temperature", "℃"),
        _measured("pres_hpa", "气压", "Pressure", "hPa"),
        _measured("dewp_c", "露点温度", "Dew point", "℃"),
        _measured("rain_mm", "降水量", "Rain", "mm"),
        ColumnSpec(code="wind_dir", kind="text", name="风向", name_en="Wind direction"),
        _measured("wind_ms", "风速", "Wind speed", "m/s"),
        _measured("lon", "经度", "Longitude", "°"),
        _measured("lat", "纬度", "Latitude", "°"),
    ),
    rules=(
        _range("pm2_5", 0, 2_000),
        _range("pm10", 0, 5_000),
        _range("so2", 0, 5_000),
        _range("no2", 0, 2_000),
        _range("co", 0, 100_000),
        _range("o3", 0, 3_000),
        _range("temp_c", -60, 60),
        _range("pres_hpa", 500, 1_100),
        _range("rain_mm", 0, 500),
        _range("wind_ms", 0, 100),
        RuleSpec(code="at_not_future", kind="not_future", column="at", params={"minutes": 90}),
    ),
    mappings=(
        MappingSpec(
            name="prsa",
            rename={
                "station": "station",
                "PM2.5": "pm2_5",
                "PM10": "pm10",
                "SO2": "so2",
                "NO2": "no2",
                "CO": "co",
                "O3": "o3",
                "TEMP": "temp_c",
                "PRES": "pres_hpa",
                "DEWP": "dewp_c",
                "RAIN": "rain_mm",
                "wd": "wind_dir",
                "WSPM": "wind_ms",
            },
            compose={"at": ("year", "month", "day", "hour")},
            ignore=("No",),
            timezone="Asia/Shanghai",
        ),
    ),
)

AIR_STATION = DatasetSpec(
    code="env.air_station",
    name="空气质量监测站点",
    name_en="Air monitoring stations",
    summary="站点名录：编号、名称与位置。",
    domain="生态环境",
    provider="3206-environment",
    privacy_class="none",
    share_type="unconditional",
    open_type="open",
    key_columns=("station",),
    subject_column="station",
    lon_column="lon",
    lat_column="lat",
    columns=(
        ColumnSpec(code="station", kind="text", name="站点", name_en="Station", required=True),
        ColumnSpec(code="name", kind="text", name="名称", name_en="Name"),
        ColumnSpec(code="lon", kind="number", name="经度", name_en="Longitude", unit="°", required=True),
        ColumnSpec(code="lat", kind="number", name="纬度", name_en="Latitude", unit="°", required=True),
    ),
)

DATASETS = [AIR_QUALITY, AIR_STATION]
