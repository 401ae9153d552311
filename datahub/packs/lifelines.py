"""城市生命线、公共设施: gas, water, drains, bridges, lamps, lifts, bins. SM, GG, AQ."""

from typing import Any

from datahub.catalogue.short import DAY, HOUR, MINUTE, MONTH, WEEK, YEAR, dataset

LINES, PUBLIC, SAFE = "城市生命线", "公共设施", "安全生产"
SENSED: dict[str, Any] = {"privacy": "none", "origin": "sensed"}

DATASETS = [
    dataset(
        "lifeline.methane", "地下空间甲烷监测", "Methane underground",
        """
        device_id 设备编号 | Device
        pct_lel:n 爆炸下限百分比 | Share of lower explosive limit [%LEL]
        ts:t 时间 | Time
        """,
        domain=LINES, function="utilities", key="device_id ts", time="ts", cycle=MINUTE, at=True,
        ranges={"pct_lel": (0, 100)}, tags="燃气", **SENSED,
    ),
    dataset(
        "lifeline.gas_network", "燃气管网压力流量", "Gas pressure and flow",
        """
        node 节点 | Node
        kpa:n 压力 | Pressure [kPa]
        m3h:n 流量 | Flow [m³/h]
        ts:t 时间 | Time
        """,
        domain=LINES, function="utilities", key="node ts", time="ts", cycle=MINUTE,
        ranges={"kpa": (0, 10_000), "m3h": (0, None)}, tags="燃气", **SENSED,
    ),
    dataset(
        "lifeline.home_gas_check", "居民燃气安检", "Gas checks at homes",
        """
        user_token 用户 | User *
        address_id 地址编号 | Address L2
        last_ok:d 上次合格日期 | Last passed
        attempts:i 入户次数 | Attempts [次]
        """,
        domain=LINES, function="utilities", key="user_token", cycle=DAY, privacy="personal",
    ),
    dataset(
        "lifeline.pipe", "地下管线", "Pipes underground",
        """
        pipe_id 管段编号 | Pipe
        kind 管线类型 | Kind
        pressure 压力级别 | Pressure class
        laid_year:i 敷设年份 | Laid in
        leaks:i 漏损次数 | Leaks [次]
        """,
        domain=LINES, function="housing", key="pipe_id", cycle=MONTH, at=True, tags="管网",
    ),
    dataset(
        "lifeline.dig_permit", "道路挖掘占用许可", "Permits to dig up roads",
        """
        permit_id 许可编号 | Permit
        road 道路 | Road
        start_at:t 开始时间 | Begins
        end_at:t 结束时间 | Ends
        closed_at:t 恢复时间 | Restored
        """,
        domain=LINES, function="urban_mgmt", key="permit_id", time="start_at", cycle=DAY, privacy="none",
        at=True, open_type="open",
    ),
    dataset(
        "lifeline.water_network", "供水管网压力与分区流量", "Water pressure and zone flow",
        """
        node 节点 | Node
        zone 分区 | Zone
        mpa:n 压力 | Pressure [MPa]
        m3h:n 流量 | Flow [m³/h]
        ts:t 时间 | Time
        """,
        domain=LINES, function="utilities", key="node ts", time="ts", cycle=MINUTE * 15,
        ranges={"mpa": (0, 5)}, tags="供水", **SENSED,
    ),
    dataset(
        "lifeline.tap_water", "供水水质", "Tap water quality",
        """
        point 测点 | Point
        cl2:n 余氯 | Residual chlorine [mg/L]
        ntu:n 浊度 | Turbidity [NTU]
        ph:n 酸碱度 | pH
        ts:t 时间 | Time
        """,
        domain=LINES, function="utilities", key="point ts", time="ts", cycle=HOUR, at=True,
        ranges={"cl2": (0, 10), "ntu": (0, 1_000), "ph": (0, 14)}, open_type="open", **SENSED,
    ),
    dataset(
        "lifeline.drain_level", "排水井液位", "Levels in drains",
        """
        well 井号 | Well
        level_m:n 液位 | Level [m]
        depth_m:n 井深 | Depth of the well [m]
        ts:t 时间 | Time
        """,
        domain=LINES, function="urban_mgmt", key="well ts", time="ts", cycle=MINUTE * 10, at=True,
        ranges={"level_m": (0, 30)}, **SENSED,
    ),
    dataset(
        "lifeline.manhole", "智能井盖", "Manhole covers",
        """
        device 设备编号 | Device
        tilt:n 倾角 | Tilt [°]
        state 状态 | State
        ts:t 时间 | Time
        """,
        domain=LINES, function="urban_mgmt", key="device ts", time="ts", cycle=DAY, at=True, **SENSED,
    ),
    dataset(
        "lifeline.bridge_sensor", "桥梁健康监测", "Bridge sensors",
        """
        sensor 传感器 | Sensor
        bridge 桥梁 | Bridge
        kind 类型 | Kind
        value:n 数值 | Value
        design_value:n 设计值 | Design value
        ts:t 时间 | Time
        """,
        domain=LINES, function="transport", key="sensor ts", time="ts", cycle=MINUTE, **SENSED,
    ),
    dataset(
        "lifeline.weigh", "桥梁动态称重", "Vehicles weighed on bridges",
        """
        bridge 桥梁 | Bridge
        plate 车牌号 | Plate L2
        axles:i 轴数 | Axles [轴]
        gross_t:n 总重 | Gross weight [t]
        ts:t 时间 | Time
        """,
        domain=LINES, function="transport", key="bridge plate ts", time="ts", cycle=HOUR, origin="sensed",
        ranges={"gross_t": (0, 500)},
    ),
    dataset(
        "public.lamp", "路灯单灯监控", "Street lamps",
        """
        lamp 灯杆编号 | Lamp
        circuit 回路 | Circuit
        state 状态 | State
        ts:t 时间 | Time
        """,
        domain=PUBLIC, function="urban_mgmt", key="lamp ts", time="ts", cycle=HOUR, at=True, **SENSED,
    ),
    dataset(
        "public.asset", "城市管理部件", "City assets",
        """
        asset_id 部件标识码 | Asset
        kind_code 部件代码 | Kind code
        name 部件名称 | Name
        state 状态 | State
        last_check:d 上次检查 | Last check
        life_years:i 设计年限 | Design life [年]
        """,
        domain=PUBLIC, function="urban_mgmt", key="asset_id", cycle=MONTH, privacy="none", at=True,
        tags="部件 GB47678",
    ),
    dataset(
        "public.waste_point", "垃圾收运点", "Waste collection points",
        """
        point 收运点 | Point
        full_pct:n 满溢度 | Filled [%]
        last_at:t 上次收运 | Last emptied
        ts:t 时间 | Time
        """,
        domain=PUBLIC, function="urban_mgmt", key="point ts", time="ts", cycle=HOUR, at=True,
        ranges={"full_pct": (0, 120)}, **SENSED,
    ),
    dataset(
        "public.crowd", "重点区域客流", "Visitors in busy places",
        """
        area 区域 | Place
        inside:i 在场人数 | People inside [人]
        capacity:i 承载量 | Capacity [人]
        density:n 密度 | Density [人/㎡]
        ts:t 时间 | Time
        """,
        domain=PUBLIC, function="culture_tourism", key="area ts", time="ts", cycle=MINUTE * 5, at=True,
        ranges={"inside": (0, None)}, **SENSED,
    ),
    dataset(
        "public.charger", "充电桩状态", "Charging points",
        """
        pile 桩号 | Charger
        state 状态 | State
        ts:t 时间 | Time
        """,
        domain=PUBLIC, function="transport", key="pile ts", time="ts", cycle=MINUTE * 10, at=True,
        open_type="open", **SENSED,
    ),
    dataset(
        "safety.hazard", "安全隐患台账", "Register of hazards",
        """
        hazard_id 隐患编号 | Hazard
        uscc 统一社会信用代码 | Unified social credit code
        level 等级 | Level
        found_at:t 发现时间 | Found
        due_at:t 整改期限 | Due
        closed_at:t 销号时间 | Closed
        """,
        domain=SAFE, function="emergency", key="hazard_id", time="found_at", cycle=DAY, privacy="none",
        subject="uscc",
    ),
    dataset(
        "safety.special_equipment", "特种设备台账", "Lifts, boilers, pressure vessels",
        """
        device_no 设备编号 | Device
        type 类型 | Kind
        uscc 统一社会信用代码 | Unified social credit code
        next_check:d 下次检验 | Next check
        last_service:d 上次维保 | Last service
        service_company 维保单位 | Service company
        """,
        domain=SAFE, function="market", key="device_no", cycle=WEEK, privacy="none", at=True,
    ),
    dataset(
        "safety.drill", "应急演练", "Emergency drills",
        """
        uscc 统一社会信用代码 | Unified social credit code
        type 演练类型 | Kind of drill
        date:d 日期 | Day
        people:i 参加人数 | People [人]
        """,
        domain=SAFE, function="emergency", key="uscc type date", time="date", cycle=YEAR, privacy="none",
    ),
    dataset(
        "safety.site_machine", "工地危大工程监测", "Cranes, pits and formwork",
        """
        device_id 设备编号 | Device
        site_id 工地编号 | Site
        kind 类型 | Kind
        value:n 数值 | Value
        limit_value:n 限值 | Limit
        ts:t 时间 | Time
        """,
        domain=SAFE, function="housing", key="device_id ts", time="ts", cycle=MINUTE * 5, at=True, **SENSED,
    ),
]  # fmt: skip
