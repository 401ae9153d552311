"""What the hotline publishes, like any department. Sealed tickets never come here."""

from datetime import timedelta

from datahub.declare import ColumnSpec, DatasetSpec, RuleSpec

TICKETS = DatasetSpec(
    code="hotline.tickets",
    name="12345 热线工单",
    name_en="Hotline tickets",
    summary="热线受理的诉求工单，不含来电人信息，不含保密与举报工单。",
    domain="政务热线",
    provider="3206-command",
    privacy_class="internal",
    origin="accepted",
    share_type="conditional",
    share_basis="政务数据共享条例：按履职需要有条件共享",
    update_cycle=timedelta(minutes=30),
    lateness_limit=timedelta(days=1),
    time_column="taken_at",
    subject_column="category_code",
    key_columns=("number",),
    lon_column="lon",
    lat_column="lat",
    columns=(
        ColumnSpec(code="number", kind="text", name="工单编号", name_en="Number", required=True),
        ColumnSpec(code="taken_at", kind="time", name="受理时间", name_en="Taken at", required=True),
        ColumnSpec(code="channel", kind="text", name="渠道", name_en="Channel"),
        ColumnSpec(code="request_type", kind="text", name="诉求类型", name_en="Request type"),
        ColumnSpec(code="urgency", kind="text", name="紧急程度", name_en="Urgency"),
        ColumnSpec(code="category_code", kind="text", name="类别代码", name_en="Category code"),
        ColumnSpec(code="category_name", kind="text", name="类别", name_en="Category"),
        ColumnSpec(code="category_level1", kind="text", name="一级类别", name_en="First-level category"),
        ColumnSpec(code="title", kind="text", name="标题", name_en="Title"),
        ColumnSpec(code="area_code", kind="text", name="区划代码", name_en="Area code"),
        ColumnSpec(code="lon", kind="number", name="经度", name_en="Longitude", unit="°"),
        ColumnSpec(code="lat", kind="number", name="纬度", name_en="Latitude", unit="°"),
    ),
    rules=(
        RuleSpec(code="title_length", kind="max_length", column="title", params={"characters": 2_000}),
        RuleSpec(code="taken_not_future", kind="not_future", column="taken_at", params={"minutes": 60}),
    ),
)

DATASETS = [TICKETS]
