"""消防安全、食品药品: equipment, alarms, checks; certificates, cold chain, samples."""

from datahub.catalogue.short import DAY, HOUR, MINUTE, MONTH, dataset

FIRE, FOOD = "消防安全", "食品药品"

DATASETS = [
    dataset(
        "fire.iot", "消防物联网", "Fire water readings",
        """
        device_id 设备编号 | Device
        bld_id 建筑编号 | Building
        type 类型 | Kind
        mpa:n 水压 | Pressure [MPa]
        level_m:n 水位 | Level [m]
        ts:t 时间 | Time
        """,
        domain=FIRE, function="fire", key="device_id ts", time="ts", cycle=MINUTE, privacy="none",
        origin="sensed", ranges={"mpa": (0, 10), "level_m": (0, 20)}, tags="在线监测",
    ),
    dataset(
        "fire.duty_call", "消防控制室查岗", "Calls to control rooms",
        """
        call_id 查岗编号 | Call
        unit_id 单位编号 | Unit
        sent_at:t 发出时间 | Sent
        answer_at:t 应答时间 | Answered
        """,
        domain=FIRE, function="fire", key="call_id", time="sent_at", cycle=DAY, privacy="none",
        subject="unit_id",
    ),
    dataset(
        "fire.alarm", "火灾自动报警", "Fire alarms",
        """
        alarm_id 报警编号 | Alarm
        unit_id 单位编号 | Unit
        loop 回路 | Loop
        addr 部位 | Place in the building
        type 类型 | Kind
        raised_at:t 报警时间 | Raised
        confirmed_at:t 确认时间 | Confirmed
        result 结果 | Outcome
        """,
        domain=FIRE, function="fire", key="alarm_id", time="raised_at", cycle=HOUR, privacy="none",
        subject="unit_id", origin="sensed", at=True,
    ),
    dataset(
        "fire.electric", "电气火灾监测", "Electrical fire monitoring",
        """
        loop_id 回路编号 | Circuit
        house_id 房屋编号 | House L2
        residual_ma:n 剩余电流 | Residual current [mA]
        temp_c:n 温度 | Temperature [℃]
        ts:t 时间 | Time
        """,
        domain=FIRE, function="fire", key="loop_id ts", time="ts", cycle=MINUTE, origin="sensed",
        ranges={"residual_ma": (0, 10_000), "temp_c": (-40, 300)},
    ),
    dataset(
        "fire.inspection", "消防监督检查", "Fire inspections",
        """
        unit_id 单位编号 | Unit
        last_check:d 上次检查 | Last check
        open_hazards:i 未改隐患 | Open hazards [处]
        ok_pct:n 设施完好率 | Equipment in order [%]
        mixed_use:b 三合一 | Mixed use
        area_m2:n 面积 | Floor area [㎡]
        """,
        domain=FIRE, function="fire", key="unit_id", cycle=MONTH, privacy="none", at=True,
        ranges={"ok_pct": (0, 100)},
    ),
    dataset(
        "food.health_cert", "从业人员健康证", "Health certificates of staff",
        """
        person_token 人员 | Person *
        uscc 统一社会信用代码 | Unified social credit code
        valid_to:d 有效期至 | Valid until
        """,
        domain=FOOD, function="health", key="person_token uscc", cycle=DAY, privacy="personal",
        subject="uscc",
    ),
    dataset(
        "food.licence", "食品药品经营许可", "Food and drug licences",
        """
        cert_no 许可证号 | Licence
        uscc 统一社会信用代码 | Unified social credit code
        company 企业名称 | Company
        address 经营地址 | Address
        valid_to:d 有效期至 | Valid until
        """,
        domain=FOOD, function="market", key="cert_no", cycle=DAY, privacy="none", subject="uscc", at=True,
        open_type="open", tags="许可",
    ),
    dataset(
        "food.sample_test", "食品抽检", "Food samples tested",
        """
        batch 批次 | Batch
        uscc 统一社会信用代码 | Unified social credit code
        result 结果 | Outcome
        sent_at:t 送检时间 | Sent
        closed_at:t 处置完成时间 | Closed
        """,
        domain=FOOD, function="market", key="batch", time="sent_at", cycle=DAY, privacy="none",
        subject="uscc",
        open_type="open",
    ),
    dataset(
        "food.cold_chain", "冷链温度", "Cold chain temperatures",
        """
        device_id 设备编号 | Device
        type 设备类型 | Kind
        temp_c:n 温度 | Temperature [℃]
        ts:t 时间 | Time
        """,
        domain=FOOD, function="market", key="device_id ts", time="ts", cycle=MINUTE, privacy="none",
        origin="sensed", at=True, ranges={"temp_c": (-100, 60)},
    ),
    dataset(
        "food.online_shop", "网络餐饮店铺", "Shops on delivery platforms",
        """
        shop_id 店铺编号 | Shop
        cert_no 许可证号 | Licence
        address 地址 | Address
        category 类别 | Category
        platform 平台 | Platform
        """,
        domain=FOOD, function="market", key="shop_id", cycle=DAY, privacy="none", origin="internet", at=True,
    ),
    dataset(
        "food.drug_sales", "药店分类销量", "Drug sales by class",
        """
        area_code 区划代码 | Area code
        drug_class 药品类别 | Drug class
        date:d 日期 | Day
        qty:i 数量 | Quantity [盒]
        """,
        domain=FOOD, function="market", key="area_code drug_class date", time="date", cycle=DAY,
        privacy="none",
        ranges={"qty": (0, None)},
    ),
]  # fmt: skip
