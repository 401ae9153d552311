"""生态环境、江海堤防与防汛: what instruments in air, water, noise, sea and rain report. ST, FX."""

from typing import Any

from datahub.catalogue.short import DAY, HOUR, MINUTE, dataset

AIR, FLOOD = "生态环境", "江海堤防与防汛"
OPEN: dict[str, Any] = {"privacy": "none", "open_type": "open", "origin": "sensed"}

DATASETS = [
    dataset(
        "env.dust", "工地扬尘监测", "Dust at building sites",
        """
        site_id 工地编号 | Site
        pm10:n 可吸入颗粒物 | PM10 [μg/m³]
        tsp:n 总悬浮颗粒物 | Suspended particles [μg/m³]
        ts:t 时间 | Time
        """,
        domain=AIR, function="housing", key="site_id ts", time="ts", cycle=MINUTE, at=True,
        ranges={"pm10": (0, 10_000), "tsp": (0, 20_000)}, **OPEN,
    ),
    dataset(
        "env.outlet", "污染源在线（CEMS）", "Emissions online (CEMS)",
        """
        outlet_id 排口编号 | Outlet
        uscc 统一社会信用代码 | Unified social credit code
        item 监测项目 | Quantity
        conc:n 浓度 | Concentration [mg/m³]
        flow:n 流量 | Flow [m³/h]
        flag 标记 | Flag
        ts:t 时间 | Time
        """,
        domain=AIR, function="environment", key="outlet_id item ts", time="ts", cycle=HOUR,
        ranges={"conc": (0, None)}, tags="污染源", **OPEN,
    ),
    dataset(
        "env.water_station", "地表水自动站", "Surface water stations",
        """
        section 断面 | Section
        do_mgl:n 溶解氧 | Dissolved oxygen [mg/L]
        codmn:n 高锰酸盐指数 | Permanganate index [mg/L]
        nh3n:n 氨氮 | Ammonia nitrogen [mg/L]
        tp:n 总磷 | Total phosphorus [mg/L]
        ph:n 酸碱度 | pH
        target_class 目标类别 | Target class
        ts:t 时间 | Time
        """,
        domain=AIR, function="environment", key="section ts", time="ts", cycle=HOUR * 4, at=True,
        ranges={"do_mgl": (0, 30), "ph": (0, 14), "nh3n": (0, 200)}, tags="断面 水质", **OPEN,
    ),
    dataset(
        "env.sewage_plant", "污水处理厂出水在线", "Outflow of sewage plants",
        """
        plant 污水厂 | Plant
        cod:n 化学需氧量 | COD [mg/L]
        nh3n:n 氨氮 | Ammonia nitrogen [mg/L]
        tp:n 总磷 | Total phosphorus [mg/L]
        tn:n 总氮 | Total nitrogen [mg/L]
        flow:n 流量 | Flow [m³/h]
        ts:t 时间 | Time
        """,
        domain=AIR, function="environment", key="plant ts", time="ts", cycle=HOUR, at=True,
        ranges={"cod": (0, 5_000)}, **OPEN,
    ),
    dataset(
        "env.water_source", "饮用水水源地在线", "Drinking water sources",
        """
        source 水源地 | Source
        chla:n 叶绿素 | Chlorophyll a [μg/L]
        nh3n:n 氨氮 | Ammonia nitrogen [mg/L]
        toxicity:n 综合毒性 | Toxicity [%]
        oil:n 石油类 | Oil [mg/L]
        ts:t 时间 | Time
        """,
        domain=AIR, function="environment", key="source ts", time="ts", cycle=HOUR, **OPEN,
    ),
    dataset(
        "env.noise", "声环境自动监测", "Noise stations",
        """
        point 测点 | Point
        zone_class 功能区类别 | Zone class
        leq:n 等效声级 | Level [dB(A)]
        ts:t 时间 | Time
        """,
        domain=AIR, function="environment", key="point ts", time="ts", cycle=HOUR, at=True,
        ranges={"leq": (0, 160)}, **OPEN,
    ),
    dataset(
        "env.muck_truck", "渣土车卫星定位", "Positions of muck trucks",
        """
        plate 车牌号 | Plate L2
        ts:t 时间 | Time
        lift:b 举升 | Tipping
        """,
        domain=AIR, function="urban_mgmt", key="plate ts", time="ts", cycle=MINUTE, origin="sensed", at=True,
        datum="wgs84",
    ),
    dataset(
        "env.fire_spot", "秸秆焚烧火点", "Fires in fields seen from above",
        """
        spot_id 火点编号 | Spot
        ts:t 时间 | Time
        conf:n 置信度 | Confidence [%]
        seen_by 来源 | Seen by
        """,
        domain=AIR, function="environment", key="spot_id", time="ts", cycle=HOUR, at=True,
        ranges={"conf": (0, 100)}, **OPEN,
    ),
    dataset(
        "flood.tide", "潮位", "Tide levels",
        """
        station 潮位站 | Tide station
        level_m:n 实测潮位 | Level [m]
        astro_m:n 天文潮 | Astronomical tide [m]
        ts:t 时间 | Time
        """,
        domain=FLOOD, function="water", key="station ts", time="ts", cycle=MINUTE * 5, at=True,
        ranges={"level_m": (-10, 15)}, tags="江海", **OPEN,
    ),
    dataset(
        "flood.station_limit", "水位站特征水位", "Warning levels of stations",
        """
        station 测站 | Station
        warn_m:n 警戒水位 | Warning level [m]
        guarantee_m:n 保证水位 | Guaranteed level [m]
        """,
        domain=FLOOD, function="water", key="station", cycle=None, privacy="none", open_type="open", at=True,
    ),
    dataset(
        "flood.rain", "雨量站", "Rain gauges",
        """
        station 雨量站 | Gauge
        mm_5min:n 5 分钟雨量 | Rain in 5 minutes [mm]
        ts:t 时间 | Time
        """,
        domain=FLOOD, function="water", key="station ts", time="ts", cycle=MINUTE * 5, at=True,
        ranges={"mm_5min": (0, 100)}, tags="雨情", **OPEN,
    ),
    dataset(
        "flood.weather", "气象站与预警信号", "Weather stations and warnings",
        """
        station 气象站 | Weather station
        avg_wind:n 平均风速 | Mean wind [m/s]
        gust:n 阵风 | Gust [m/s]
        temp_c:n 气温 | Temperature [℃]
        signal_type 预警类型 | Kind of warning
        signal_colour 预警颜色 | Colour of warning
        ts:t 时间 | Time
        """,
        domain=FLOOD, function="emergency", key="station ts", time="ts", cycle=MINUTE * 10, at=True,
        ranges={"avg_wind": (0, 100), "gust": (0, 120)}, tags="气象", **OPEN,
    ),
    dataset(
        "flood.river_level", "河道水位", "River levels",
        """
        station 水位站 | Station
        level_m:n 水位 | Level [m]
        ts:t 时间 | Time
        """,
        domain=FLOOD, function="water", key="station ts", time="ts", cycle=MINUTE * 10, at=True,
        ranges={"level_m": (-10, 30)}, **OPEN,
    ),
    dataset(
        "flood.dike_sensor", "堤防渗压与位移", "Dike sensors",
        """
        sensor 传感器 | Sensor
        kind 类型 | Kind
        value:n 数值 | Value
        ts:t 时间 | Time
        """,
        domain=FLOOD, function="water", key="sensor ts", time="ts", cycle=HOUR, privacy="none",
        origin="sensed",
        at=True,
    ),
    dataset(
        "flood.gate", "水闸泵站工况", "Gates and pumps",
        """
        gate_id 闸泵编号 | Gate or pump
        open_m:n 开度 | Opening [m]
        running:b 运行 | Running
        power:b 供电 | Power on
        ts:t 时间 | Time
        """,
        domain=FLOOD, function="water", key="gate_id ts", time="ts", cycle=MINUTE * 5, privacy="none",
        origin="sensed",
    ),
    dataset(
        "flood.waterlogging", "积水点水深", "Depth of standing water",
        """
        point 积水点 | Point
        cm:n 水深 | Depth [cm]
        ts:t 时间 | Time
        """,
        domain=FLOOD, function="urban_mgmt", key="point ts", time="ts", cycle=MINUTE * 5, at=True,
        ranges={"cm": (0, 500)}, **OPEN,
    ),
    dataset(
        "flood.supplies", "防汛物资与队伍", "Flood supplies and teams",
        """
        store_id 仓库编号 | Store
        item 物资 | Item
        qty:n 数量 | Quantity
        quota:n 定额 | Quota
        on_call:i 在岗人数 | People on call [人]
        """,
        domain=FLOOD, function="emergency", key="store_id item", cycle=DAY, privacy="none", at=True,
    ),
]  # fmt: skip
