"""群租房、违法建设: who lives where, how a building is used, what was built without leave."""

from datahub.catalogue.short import DAY, HOUR, MONTH, WEEK, dataset

RENT, BUILT = "群租房", "违法建设"

DATASETS = [
    dataset(
        "housing.water_use", "户用水量", "Water used by household",
        """
        house_id 房屋编号 | House L2
        date:d 日期 | Day
        m3:n 用水量 | Water [m³]
        """,
        domain=RENT, function="utilities", key="house_id date", time="date", cycle=DAY, privacy="personal",
        origin="sensed", ranges={"m3": (0, 1000)}, tags="水表",
    ),
    dataset(
        "housing.power_use", "户用电负荷", "Power used by household",
        """
        house_id 房屋编号 | House L2
        ts:t 时间 | Time
        kw:n 负荷 | Load [kW]
        """,
        domain=RENT, function="utilities", key="house_id ts", time="ts", cycle=HOUR, privacy="personal",
        origin="sensed", ranges={"kw": (0, 1000)}, tags="电表",
    ),
    dataset(
        "housing.residents", "登记人口（按房屋计数）", "Registered residents, counted by house",
        """
        house_id 房屋编号 | House L2
        persons:i 登记人数 | Persons [人]
        updated_at:t 更新时间 | Updated
        """,
        domain=RENT, function="police", key="house_id", cycle=DAY, privacy="personal",
        ranges={"persons": (0, 500)}, tags="人口",
    ),
    dataset(
        "housing.lease", "租赁备案", "Leases on file",
        """
        lease_no 备案编号 | Lease
        house_id 房屋编号 | House L2
        room_id 房间编号 | Room L2
        area_m2:n 面积 | Floor area [㎡]
        persons:i 居住人数 | Persons [人]
        tenant_token 承租人 | Tenant *
        since:d 起租日期 | From
        """,
        domain=RENT, function="housing", key="lease_no", cycle=DAY, privacy="personal", subject="house_id",
        ranges={"area_m2": (0, 10_000)},
    ),
    dataset(
        "housing.rectification", "群租整改记录", "Group rental corrections",
        """
        case_id 整改编号 | Case
        house_id 房屋编号 | House L2
        score:n 疑似评分 | Score
        opened_at:t 发现时间 | Found
        closed_at:t 办结时间 | Closed
        """,
        domain=RENT, function="urban_mgmt", key="case_id", time="opened_at", cycle=DAY, subject="house_id",
    ),
    dataset(
        "housing.change_spot", "遥感与无人机变化图斑", "Changes seen from the air",
        """
        spot_id 图斑编号 | Spot
        area_m2:n 面积 | Area [㎡]
        date:d 影像日期 | Image of
        permit_no 规划许可号 | Planning permit
        """,
        domain=BUILT, function="planning", key="spot_id", time="date", cycle=MONTH, origin="sensed", at=True,
    ),
    dataset(
        "housing.illegal_case", "违建案件与拆除", "Illegal building cases",
        """
        case_id 案件编号 | Case
        address_id 地址编号 | Address L2
        stage 阶段 | Stage
        stage_at:t 进入阶段时间 | Stage since
        stop_notice_at:t 停工通知时间 | Stop notice
        closed_at:t 办结时间 | Closed
        """,
        domain=BUILT, function="urban_mgmt", key="case_id", time="stage_at", cycle=DAY, subject="address_id",
        at=True,
    ),
    dataset(
        "housing.self_built", "自建房档案与鉴定", "Self-built houses and their checks",
        """
        house_id 房屋编号 | House L2
        floors:i 层数 | Floors
        added_floor:b 加层 | Floor added
        use 用途 | Use
        built_year:i 建成年份 | Built in
        grade 鉴定等级 | Grade
        checked_at:d 鉴定日期 | Checked on
        """,
        domain=BUILT, function="housing", key="house_id", cycle=WEEK, at=True, ranges={"floors": (1, 60)},
    ),
]  # fmt: skip
