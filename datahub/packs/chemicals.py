"""危化品全流程: made, stored, carried, sold, wasted. For the detectors WH-001 to WH-042."""

from datahub.catalogue.short import DAY, HOUR, MINUTE, MONTH, WEEK, YEAR, dataset

DOMAIN = "危化品全流程"

DATASETS = [
    dataset(
        "chem.hazard_unit", "重大危险源备案", "Major hazard installations on file",
        """
        unit_id 单元编号 | Unit
        uscc 统一社会信用代码 | Unified social credit code
        name 单元名称 | Unit name
        filed_level:i 备案等级 | Level on file
        alpha_pop:i 厂外暴露人数 | People exposed outside [人]
        filed_at:d 备案日期 | Filed on
        """,
        domain=DOMAIN, function="emergency", key="unit_id", cycle=MONTH, at=True,
        ranges={"filed_level": (1, 4), "alpha_pop": (0, None)}, tags="重大危险源 危化品",
    ),
    dataset(
        "chem.unit_stock", "重大危险源储量在线", "Stock in hazard units, online",
        """
        unit_id 单元编号 | Unit
        chem 危化品名称 | Chemical
        qty_t:n 储量 | Stock [t]
        ts:t 时间 | Time
        """,
        domain=DOMAIN, function="emergency", key="unit_id chem ts", time="ts", cycle=HOUR, origin="sensed",
        ranges={"qty_t": (0, 1_000_000)}, tags="重大危险源 在线监测",
    ),
    dataset(
        "chem.critical_quantity", "危化品临界量表", "Critical quantities of chemicals",
        """
        chem 危化品名称 | Chemical
        q_t:n 临界量 | Critical quantity [t]
        beta:n 校正系数 | Correction factor β
        """,
        domain=DOMAIN, function="emergency", key="chem", cycle=None, privacy="none",
        ranges={"q_t": (0, None)}, tags="标准 GB18218",
    ),
    dataset(
        "chem.dcs_reading", "生产装置实时数据", "Process readings (DCS)",
        """
        tag 位号 | Tag
        uscc 统一社会信用代码 | Unified social credit code
        unit_id 单元编号 | Unit
        type 参数类型 | Quantity
        value:n 数值 | Value
        ts:t 时间 | Time
        """,
        domain=DOMAIN, function="emergency", key="tag ts", time="ts", cycle=MINUTE, origin="sensed",
        tags="在线监测",
    ),
    dataset(
        "chem.dcs_limit", "生产装置报警设定值", "Alarm limits of process tags",
        """
        tag 位号 | Tag
        unit_id 单元编号 | Unit
        h:n 高报 | High
        hh:n 高高报 | High-high
        l:n 低报 | Low
        ll:n 低低报 | Low-low
        """,
        domain=DOMAIN, function="emergency", key="tag", cycle=MONTH,
    ),
    dataset(
        "chem.gas_detector", "可燃有毒气体检测", "Gas detectors (GDS)",
        """
        detector_id 探测器编号 | Detector
        unit_id 单元编号 | Unit
        gas 气体 | Gas
        value:n 读数 | Reading
        unit 单位 | Unit of the reading
        ts:t 时间 | Time
        """,
        domain=DOMAIN, function="emergency", key="detector_id ts", time="ts", cycle=MINUTE, origin="sensed",
        at=True, ranges={"value": (0, None)}, tags="在线监测 气体",
    ),
    dataset(
        "chem.alarm", "装置报警记录", "Process alarms",
        """
        alarm_id 报警编号 | Alarm
        tag 位号 | Tag
        level:i 级别 | Level
        raised_at:t 报警时间 | Raised
        ack_at:t 确认时间 | Acknowledged
        clear_at:t 消除时间 | Cleared
        """,
        domain=DOMAIN, function="emergency", key="alarm_id raised_at", time="raised_at", cycle=HOUR,
        subject="tag", origin="sensed",
    ),
    dataset(
        "chem.work_permit", "特殊作业票", "Special work permits",
        """
        permit_id 票号 | Permit
        uscc 统一社会信用代码 | Unified social credit code
        type 作业类型 | Kind of work
        grade 作业级别 | Grade
        start_at:t 开始时间 | Begins
        end_at:t 结束时间 | Ends
        closed_at:t 关闭时间 | Closed
        """,
        domain=DOMAIN, function="emergency", key="permit_id", time="start_at", cycle=HOUR, subject="uscc",
        at=True, tags="动火 受限空间",
    ),
    dataset(
        "chem.licence", "危化品许可证", "Chemical licences",
        """
        cert_no 许可证号 | Licence
        uscc 统一社会信用代码 | Unified social credit code
        cert_type 许可类型 | Kind of licence
        scope 许可范围 | Scope
        max_qty_t:n 许可最大量 | Most allowed [t]
        valid_to:d 有效期至 | Valid until
        """,
        domain=DOMAIN, function="emergency", key="cert_no", cycle=DAY, privacy="none", subject="uscc",
        open_type="open", tags="许可",
    ),
    dataset(
        "chem.production", "危化品产量报表", "Chemical production",
        """
        uscc 统一社会信用代码 | Unified social credit code
        chem 危化品名称 | Chemical
        date:d 日期 | Day
        qty_t:n 产量 | Produced [t]
        bought_t:n 原料购入 | Raw material bought [t]
        """,
        domain=DOMAIN, function="emergency", key="uscc chem date", time="date", cycle=DAY,
        ranges={"qty_t": (0, None), "bought_t": (0, None)},
    ),
    dataset(
        "chem.shutdown_notice", "装置开停车报备", "Start-up and shutdown notices",
        """
        notice_id 报备编号 | Notice
        uscc 统一社会信用代码 | Unified social credit code
        unit_id 单元编号 | Unit
        type 类型 | Kind
        plan_at:t 计划时间 | Planned for
        end_at:t 结束时间 | Ends
        """,
        domain=DOMAIN, function="emergency", key="notice_id", cycle=DAY, subject="unit_id",
    ),
    dataset(
        "chem.tank_level", "储罐液位", "Tank levels",
        """
        tank_id 储罐编号 | Tank
        uscc 统一社会信用代码 | Unified social credit code
        chem 危化品名称 | Chemical
        level_m:n 液位 | Level [m]
        volume_m3:n 体积 | Volume [m³]
        ts:t 时间 | Time
        """,
        domain=DOMAIN, function="emergency", key="tank_id ts", time="ts", cycle=MINUTE, origin="sensed",
        ranges={"level_m": (0, 60), "volume_m3": (0, None)}, tags="在线监测 储罐",
    ),
    dataset(
        "chem.tank", "储罐台账", "Register of tanks",
        """
        tank_id 储罐编号 | Tank
        uscc 统一社会信用代码 | Unified social credit code
        design_m3:n 设计容积 | Design volume [m³]
        max_ratio:n 最大充装系数 | Largest filling ratio
        """,
        domain=DOMAIN, function="emergency", key="tank_id", cycle=MONTH, at=True, ranges={"max_ratio": (0,
        1)},
    ),
    dataset(
        "chem.stock_move", "危化品出入库台账", "Chemical stock movements",
        """
        move_id 流水号 | Movement
        wh_id 仓库编号 | Warehouse
        zone 库区 | Zone
        chem 危化品名称 | Chemical
        un_class 危险类别 | UN class
        qty_t:n 数量 | Quantity [t]
        ts:t 时间 | Time
        """,
        domain=DOMAIN, function="emergency", key="move_id", time="ts", cycle=DAY, subject="wh_id",
    ),
    dataset(
        "chem.controlled_trade", "剧毒易制爆购销", "Trade in toxic and explosive precursors",
        """
        order_id 订单号 | Order
        seller_uscc 销售单位信用代码 | Seller
        buyer_uscc 购买单位信用代码 | Buyer
        chem 危化品名称 | Chemical
        qty_kg:n 数量 | Quantity [kg]
        sold_at:t 销售时间 | Sold
        filed_at:t 备案时间 | Filed
        """,
        domain=DOMAIN, function="police", key="order_id", time="sold_at", cycle=DAY, subject="seller_uscc",
    ),
    dataset(
        "chem.vehicle_track", "危货车辆卫星定位", "Positions of dangerous goods vehicles",
        """
        plate 车牌号 | Plate L2
        ts:t 时间 | Time
        speed_kmh:n 速度 | Speed [km/h]
        acc:b 点火 | Ignition
        """,
        domain=DOMAIN, function="transport", key="plate ts", time="ts", cycle=MINUTE, origin="sensed",
        at=True,
        datum="wgs84", ranges={"speed_kmh": (0, 200)}, tags="两客一危 GNSS",
    ),
    dataset(
        "chem.waybill", "危货电子运单", "Dangerous goods waybills",
        """
        waybill_no 运单号 | Waybill
        plate 车牌号 | Plate L2
        chem 危化品名称 | Chemical
        qty_t:n 数量 | Quantity [t]
        from_site 装货点 | From
        to_site 卸货点 | To
        start_at:t 起运时间 | Departs
        """,
        domain=DOMAIN, function="transport", key="waybill_no", time="start_at", cycle=HOUR, subject="plate",
    ),
    dataset(
        "chem.driver_swipe", "危货驾驶员刷卡", "Drivers signing on and off",
        """
        driver_token 驾驶员 | Driver *
        plate 车牌号 | Plate L2
        login_at:t 上车时间 | On
        logout_at:t 下车时间 | Off
        """,
        domain=DOMAIN, function="transport", key="driver_token login_at", time="login_at", cycle=HOUR,
        privacy="personal", subject="driver_token",
    ),
    dataset(
        "chem.transport_permit", "道路运输证与罐检", "Vehicle permits and tank checks",
        """
        plate 车牌号 | Plate L2
        tank_no 罐号 | Tank
        permit_to:d 运输证有效期至 | Permit valid until
        tank_check_to:d 罐检有效期至 | Tank check valid until
        """,
        domain=DOMAIN, function="transport", key="plate", cycle=DAY,
    ),
    dataset(
        "chem.waste", "危险废物台账与联单", "Hazardous waste register and manifests",
        """
        manifest_no 联单号 | Manifest
        uscc 统一社会信用代码 | Unified social credit code
        waste_code 废物代码 | Waste code
        qty_t:n 转出量 | Sent [t]
        recv_qty_t:n 接收量 | Received [t]
        in_at:t 入库时间 | Stored
        start_at:t 起运时间 | Departs
        recv_at:t 接收时间 | Arrives
        plate 车牌号 | Plate L2
        """,
        domain=DOMAIN, function="environment", key="manifest_no", time="in_at", cycle=WEEK, subject="uscc",
    ),
    dataset(
        "chem.refuel", "加油站加油与配送", "Fuel sold and delivered",
        """
        station 加油站 | Filling station
        day_of:d 日期 | Day
        sold_l:n 税控销量 | Sold [L]
        delivered_l:n 配送量 | Delivered [L]
        stock_l:n 液位仪库存 | In stock [L]
        """,
        domain=DOMAIN, function="market", key="station day_of", time="day_of", cycle=DAY,
    ),
    dataset(
        "chem.gas_alarm_site", "燃气场所报警器安装", "Gas alarms installed at premises",
        """
        device_id 设备编号 | Device
        uscc 统一社会信用代码 | Unified social credit code
        gas_type 燃气类型 | Kind of gas
        online:b 在线 | Online
        checked_at:d 检查日期 | Checked on
        """,
        domain=DOMAIN, function="utilities", key="device_id", cycle=YEAR, privacy="none", at=True,
    ),
]  # fmt: skip
