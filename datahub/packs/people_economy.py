"""民生、网格、关怀、教育医疗、经济、舆情、数据与应急: counts wherever counts do, tokens where not."""

from datahub.catalogue.short import DAY, HOUR, MINUTE, MONTH, WEEK, dataset

CALLS, GRID, CARE = "民生诉求", "网格治理", "关怀服务"
SCHOOL, ECONOMY, OPINION = "教育医疗", "经济运行", "舆情热点"
DATA, EMERGENCY = "数据质量与安全", "综合与应急"

DATASETS = [
    dataset(
        "hotline.flow", "工单流转", "Moves of hotline tickets",
        """
        number 工单编号 | Ticket
        action 动作 | Step
        unit 单位 | Unit
        due_at:t 办理期限 | Due
        ts:t 时间 | Time
        """,
        domain=CALLS, function="command", key="number action ts", time="ts", cycle=HOUR, origin="accepted",
    ),
    dataset(
        "hotline.call_back", "工单回访", "Call-backs",
        """
        number 工单编号 | Ticket
        round:i 轮次 | Round
        solved 是否解决 | Solved
        satisfied 是否满意 | Satisfied
        ts:t 时间 | Time
        """,
        domain=CALLS, function="command", key="number round", time="ts", cycle=HOUR, origin="accepted",
    ),
    dataset(
        "hotline.supply_stop", "水电气计划停供", "Planned cuts of water, power, gas",
        """
        notice_id 公告编号 | Notice
        kind 类型 | Kind
        area_text 影响范围 | Where
        start_at:t 开始时间 | Begins
        end_at:t 结束时间 | Ends
        """,
        domain=CALLS, function="utilities", key="notice_id", time="start_at", cycle=DAY, privacy="none",
        open_type="open",
    ),
    dataset(
        "grid.events", "网格事件", "Grid events",
        """
        event_id 事件编号 | Event
        grid_code 网格编码 | Grid cell
        kind 类别 | Kind
        level 等级 | Level
        ts:t 上报时间 | Reported
        due_at:t 办理期限 | Due
        closed_at:t 办结时间 | Closed
        """,
        domain=GRID, function="command", key="event_id", time="ts", cycle=HOUR, at=True, origin="accepted",
    ),
    dataset(
        "grid.cell_base", "网格基础信息", "Grid cells: people and firms",
        """
        grid_code 网格编码 | Grid cell
        households:i 户数 | Households [户]
        pop:i 常住人口 | Population [人]
        firms:i 企业数 | Firms [家]
        workers:i 网格员数 | Grid workers [人]
        updated_at:t 更新时间 | Updated
        """,
        domain=GRID, function="command", key="grid_code", cycle=MONTH, ranges={"pop": (0, None)},
    ),
    dataset(
        "grid.visit", "网格走访", "Visits by grid workers",
        """
        visit_id 走访编号 | Visit
        grid_code 网格编码 | Grid cell
        target_type 对象类型 | Whom
        ts:t 时间 | Time
        """,
        domain=GRID, function="command", key="visit_id", time="ts", cycle=DAY, subject="grid_code",
    ),
    dataset(
        "grid.dispute", "矛盾纠纷", "Disputes",
        """
        dispute_id 纠纷编号 | Dispute
        grid_code 网格编码 | Grid cell
        type 类型 | Kind
        parties:i 涉及人数 | Parties [人]
        times:i 反复次数 | Times [次]
        violence:b 暴力苗头 | Violence threatened
        ts:t 时间 | Time
        """,
        domain=GRID, function="justice", key="dispute_id", time="ts", cycle=DAY, privacy="sensitive",
    ),
    dataset(
        "care.follow_up", "重点人群随访", "Follow-up of patients",
        """
        patient_token 对象 | Patient *
        stability 状态分级 | Stability
        next_due:d 下次随访 | Next due
        done_at:t 完成时间 | Done
        """,
        domain=CARE, function="health", key="patient_token next_due", cycle=DAY, privacy="sensitive",
    ),
    dataset(
        "care.living_alone", "独居老人用水用电", "Water and power of people living alone",
        """
        house_token 住户 | Household *
        ts:t 时间 | Time
        m3:n 用水量 | Water [m³]
        kwh:n 用电量 | Power [kWh]
        """,
        domain=CARE, function="civil_affairs", key="house_token ts", time="ts", cycle=HOUR,
        privacy="sensitive",
        origin="sensed",
    ),
    dataset(
        "care.hardship", "低收入家庭医疗自付", "Medical costs of low-income families",
        """
        family_token 家庭 | Family *
        month:d 月份 | Month
        amount:n 自付金额 | Paid by the family [元]
        """,
        domain=CARE, function="medical_insurance", key="family_token month", time="month", cycle=MONTH,
        privacy="sensitive",
    ),
    dataset(
        "school.morning_check", "学校晨检（按班计数）", "Morning checks at schools, by class",
        """
        school 学校 | School
        class_name 班级 | Class
        symptom 症状 | Symptom
        n:i 人数 | Children [人]
        date:d 日期 | Day
        """,
        domain=SCHOOL, function="education", key="school class_name symptom date", time="date", cycle=DAY,
        privacy="sensitive", ranges={"n": (0, 200)},
    ),
    dataset(
        "school.attendance", "学校考勤（按班计数）", "Attendance, by class",
        """
        school 学校 | School
        class_name 班级 | Class
        absent:i 缺勤人数 | Absent [人]
        total:i 应到人数 | Enrolled [人]
        date:d 日期 | Day
        """,
        domain=SCHOOL, function="education", key="school class_name date", time="date", cycle=DAY,
        privacy="none",
    ),
    dataset(
        "health.syndrome", "门诊症候群（聚合）", "Outpatient syndromes, counted",
        """
        area_code 区划代码 | Area code
        syndrome 症候群 | Syndrome
        n:i 人次 | Visits [人次]
        date:d 日期 | Day
        """,
        domain=SCHOOL, function="health", key="area_code syndrome date", time="date", cycle=DAY,
        privacy="none",
        ranges={"n": (0, None)},
    ),
    dataset(
        "health.ambulance", "120 急救", "Ambulance calls",
        """
        call_id 呼救编号 | Call
        call_at:t 呼救时间 | Called
        dispatch_at:t 派车时间 | Dispatched
        arrive_at:t 到达时间 | Arrived
        """,
        domain=SCHOOL, function="health", key="call_id", time="call_at", cycle=HOUR, privacy="none", at=True,
        origin="accepted",
    ),
    dataset(
        "health.beds", "医院床位与急诊", "Hospital beds and emergency rooms",
        """
        hosp 医院 | Hospital
        dept 科室 | Department
        occupied:i 占用床位 | Occupied [张]
        beds:i 床位数 | Beds [张]
        waiting:i 急诊候诊 | Waiting [人]
        ts:t 时间 | Time
        """,
        domain=SCHOOL, function="health", key="hosp dept ts", time="ts", cycle=HOUR, privacy="none",
    ),
    dataset(
        "economy.power_by_industry", "行业用电", "Power by industry",
        """
        industry 行业 | Industry
        area_code 区划代码 | Area code
        date:d 日期 | Day
        kwh:n 用电量 | Power [kWh]
        """,
        domain=ECONOMY, function="utilities", key="industry area_code date", time="date", cycle=DAY,
        privacy="none", open_type="open", ranges={"kwh": (0, None)}, tags="用电",
    ),
    dataset(
        "economy.company_power", "企业用电", "Power by company",
        """
        uscc 统一社会信用代码 | Unified social credit code
        date:d 日期 | Day
        kwh:n 用电量 | Power [kWh]
        """,
        domain=ECONOMY, function="utilities", key="uscc date", time="date", cycle=DAY, ranges={"kwh": (0,
        None)},
        tags="用电",
    ),
    dataset(
        "economy.company", "市场主体登记", "Registered companies",
        """
        uscc 统一社会信用代码 | Unified social credit code
        company 企业名称 | Company
        industry 行业 | Industry
        status 登记状态 | State
        address 住所 | Address
        changed_at:d 变更日期 | Changed on
        """,
        domain=ECONOMY, function="market", key="uscc", cycle=DAY, privacy="none", open_type="open", at=True,
        tags="法人 企业",
    ),
    dataset(
        "economy.wage_account", "工资专户", "Wage accounts of projects",
        """
        project 项目 | Project
        month:d 月份 | Month
        balance:n 余额 | Balance [元]
        due:n 应发金额 | Due [元]
        paid_people:i 代发人数 | People paid [人]
        """,
        domain=ECONOMY, function="labour", key="project month", time="month", cycle=MONTH,
    ),
    dataset(
        "economy.price", "重要商品价格", "Prices of staple goods",
        """
        item 商品 | Item
        market 市场 | Market
        price:n 价格 | Price [元/kg]
        date:d 日期 | Day
        """,
        domain=ECONOMY, function="market", key="item market date", time="date", cycle=DAY, privacy="none",
        open_type="open", ranges={"price": (0, 10_000)},
    ),
    dataset(
        "economy.project", "重大项目进度", "Progress of big projects",
        """
        project 项目 | Project
        month:d 月份 | Month
        plan_pct:n 计划进度 | Planned [%]
        actual_pct:n 实际进度 | Actual [%]
        """,
        domain=ECONOMY, function="planning", key="project month", time="month", cycle=MONTH, privacy="none",
    ),
    dataset(
        "opinion.topic", "舆情话题聚合", "Topics online, counted",
        """
        topic 话题 | Topic
        platform 平台 | Platform
        n:i 条数 | Posts [条]
        place 地点 | Place
        ts:t 时间 | Time
        """,
        domain=OPINION, function="command", key="topic platform ts", time="ts", cycle=HOUR, privacy="none",
        origin="internet",
    ),
    dataset(
        "data.gateway_log", "接口网关日志", "Calls through the gateway",
        """
        call_id 调用编号 | Call
        api 接口 | Interface
        code:i 返回码 | Status
        ms:n 耗时 | Took [ms]
        ts:t 时间 | Time
        """,
        domain=DATA, function="data", key="call_id", time="ts", cycle=MINUTE * 5, privacy="none",
        proposed=False,
    ),
    dataset(
        "emergency.police_case", "110 警情（不含人员）", "Police calls, without persons",
        """
        case_id 警情编号 | Case
        type 类别 | Kind
        ts:t 时间 | Time
        """,
        domain=EMERGENCY, function="police", key="case_id", time="ts", cycle=HOUR, at=True, origin="accepted",
    ),
    dataset(
        "emergency.roll_call", "值班点名", "Roll calls of duty posts",
        """
        post 值班点 | Post
        sent_at:t 点名时间 | Called
        answer_at:t 应答时间 | Answered
        """,
        domain=EMERGENCY, function="emergency", key="post sent_at", time="sent_at", cycle=DAY, privacy="none",
    ),
    dataset(
        "emergency.resource", "应急队伍与物资", "Emergency teams and supplies",
        """
        res_id 资源编号 | Resource
        type 类型 | Kind
        name 名称 | Name
        qty:n 数量 | Quantity
        status 状态 | State
        updated_at:t 更新时间 | Updated
        """,
        domain=EMERGENCY, function="emergency", key="res_id", cycle=WEEK, privacy="none", at=True,
    ),
]  # fmt: skip
