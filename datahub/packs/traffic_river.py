"""交通与停车、长江禁渔与海洋渔业: what moves on roads and on the river. JT, JY."""

from datahub.catalogue.short import DAY, HOUR, MINUTE, dataset

ROAD, RIVER = "交通与停车", "长江禁渔与海洋渔业"

DATASETS = [
    dataset(
        "traffic.link_speed", "路段车速流量", "Speed and flow on roads",
        """
        link 路段 | Link
        speed_kmh:n 平均车速 | Mean speed [km/h]
        flow:i 流量 | Vehicles [辆/h]
        ts:t 时间 | Time
        """,
        domain=ROAD, function="police", key="link ts", time="ts", cycle=MINUTE * 5, privacy="none",
        origin="sensed", open_type="open", ranges={"speed_kmh": (0, 200), "flow": (0, None)},
    ),
    dataset(
        "traffic.accident", "交通事故警情", "Road accidents",
        """
        case_id 警情编号 | Case
        severity 严重程度 | Severity
        ts:t 时间 | Time
        """,
        domain=ROAD, function="police", key="case_id", time="ts", cycle=HOUR, at=True, origin="accepted",
    ),
    dataset(
        "traffic.coach_track", "客车与校车卫星定位", "Positions of coaches and school buses",
        """
        plate 车牌号 | Plate L2
        use 用途 | Use
        speed_kmh:n 速度 | Speed [km/h]
        persons:i 车上人数 | People on board [人]
        seats:i 核定载客 | Seats [人]
        driver_token 驾驶员 | Driver *
        ts:t 时间 | Time
        """,
        domain=ROAD, function="transport", key="plate ts", time="ts", cycle=MINUTE, privacy="personal",
        origin="sensed", at=True, datum="wgs84", ranges={"speed_kmh": (0, 200)},
    ),
    dataset(
        "traffic.checkpoint", "卡口过车", "Vehicles passing checkpoints",
        """
        gate 卡口 | Checkpoint
        plate 车牌号 | Plate L2
        ts:t 时间 | Time
        """,
        domain=ROAD, function="police", key="gate plate ts", time="ts", cycle=MINUTE, origin="sensed",
        at=True,
    ),
    dataset(
        "traffic.parking", "停车场余位", "Free parking spaces",
        """
        lot 停车场 | Car park
        total:i 泊位总数 | Spaces [个]
        free:i 空余泊位 | Free [个]
        ts:t 时间 | Time
        """,
        domain=ROAD, function="urban_mgmt", key="lot ts", time="ts", cycle=MINUTE * 5, privacy="none",
        origin="sensed", at=True, open_type="open", ranges={"total": (0, None), "free": (0, None)},
    ),
    dataset(
        "traffic.shared_bike", "共享单车停放", "Shared bicycles",
        """
        bike 车辆编号 | Bicycle
        ts:t 时间 | Time
        """,
        domain=ROAD, function="urban_mgmt", key="bike ts", time="ts", cycle=MINUTE * 10, privacy="none",
        origin="internet", at=True, datum="gcj02",
    ),
    dataset(
        "traffic.bus_headway", "公交到站间隔", "Bus headways",
        """
        line 线路 | Line
        headway_min:n 实际间隔 | Headway [min]
        plan_min:n 计划间隔 | Planned headway [min]
        ts:t 时间 | Time
        """,
        domain=ROAD, function="transport", key="line ts", time="ts", cycle=MINUTE * 10, privacy="none",
        origin="sensed", open_type="open",
    ),
    dataset(
        "traffic.visibility", "能见度", "Visibility",
        """
        station 测站 | Station
        metres:n 能见度 | Visibility [m]
        ts:t 时间 | Time
        """,
        domain=ROAD, function="transport", key="station ts", time="ts", cycle=MINUTE * 10, privacy="none",
        origin="sensed", at=True, open_type="open", ranges={"metres": (0, 100_000)},
    ),
    dataset(
        "river.ais", "船舶 AIS", "Ships (AIS)",
        """
        mmsi 船舶识别号 | MMSI
        type 船舶类型 | Kind of ship
        sog:n 对地航速 | Speed over ground [kn]
        ts:t 时间 | Time
        """,
        domain=RIVER, function="transport", key="mmsi ts", time="ts", cycle=MINUTE, privacy="none",
        origin="sensed", at=True, datum="wgs84", ranges={"sog": (0, 80)},
    ),
    dataset(
        "river.radar_target", "雷达目标", "Radar targets",
        """
        track_id 航迹编号 | Track
        sog:n 对地航速 | Speed over ground [kn]
        ts:t 时间 | Time
        """,
        domain=RIVER, function="agriculture", key="track_id ts", time="ts", cycle=MINUTE, privacy="none",
        origin="sensed", at=True, datum="wgs84",
    ),
    dataset(
        "river.fishing_permit", "渔船与专项许可", "Fishing vessels and permits",
        """
        vessel 船名 | Vessel
        mmsi 船舶识别号 | MMSI
        port 船籍港 | Port
        permit_no 许可证号 | Permit
        valid_to:d 有效期至 | Valid until
        """,
        domain=RIVER, function="agriculture", key="vessel", cycle=DAY, privacy="none",
    ),
    dataset(
        "river.sand_permit", "采砂船停泊与许可", "Sand dredgers: berths and permits",
        """
        mmsi 船舶识别号 | MMSI
        berth_id 停泊点 | Berth
        zone 采区 | Zone
        start_at:t 开始时间 | Begins
        end_at:t 结束时间 | Ends
        """,
        domain=RIVER, function="water", key="mmsi start_at", time="start_at", cycle=DAY, privacy="none",
    ),
]  # fmt: skip
