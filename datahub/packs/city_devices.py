"""视频与感知设备名录: the register that datahub.devices follows (docs/devices.md)."""

from datahub.declare import ColumnSpec, DatasetSpec, MappingSpec, RuleSpec

DEVICES = DatasetSpec(
    code="city.devices",
    name="视频与感知设备名录",
    name_en="Register of cameras and sensors",
    summary="视频探头与各类感知设备：编码、类别、位置、权属单位、厂商型号、接入网络与在用状态。",
    domain="城市运行",
    provider="3206-data",
    privacy_class="internal",
    share_type="conditional",
    share_basis="政务数据共享条例：按履职需要有条件共享",
    origin="government",
    tags=("视频", "感知", "设备"),
    key_columns=("code",),
    subject_column="code",
    lon_column="lon",
    lat_column="lat",
    columns=(
        ColumnSpec(code="code", kind="text", name="设备编码", name_en="Device code", required=True,
                   summary="视频探头按 GB/T 28181 为 20 位；其他设备为不超过 40 个字符的自编码。"),
        ColumnSpec(code="kind", kind="text", name="设备类别", name_en="Kind", required=True),
        ColumnSpec(code="name", kind="text", name="设备名称", name_en="Name", required=True),
        ColumnSpec(code="place", kind="text", name="安装地点", name_en="Place"),
        ColumnSpec(code="lon", kind="number", name="经度", name_en="Longitude", unit="°"),
        ColumnSpec(code="lat", kind="number", name="纬度", name_en="Latitude", unit="°"),
        ColumnSpec(code="datum", kind="text", name="坐标系", name_en="Datum",
                   summary="cgcs2000（缺省）、wgs84 或 gcj02，逐行换算。"),
        ColumnSpec(code="owner", kind="text", name="权属单位编码", name_en="Owner", required=True),
        ColumnSpec(code="feed", kind="text", name="接入网络", name_en="Feed",
                   summary="public 公共，social 社会。"),
        ColumnSpec(code="maker", kind="text", name="厂商", name_en="Maker"),
        ColumnSpec(code="model", kind="text", name="型号", name_en="Model"),
        ColumnSpec(code="installed_on", kind="date", name="安装日期", name_en="Installed on"),
        ColumnSpec(code="status", kind="text", name="在用状态", name_en="Status",
                   summary="in_use 在用（缺省），suspended 停用，retired 报废。"),
    ),
    rules=(
        RuleSpec(code="code_length", kind="max_length", column="code", params={"characters": 40}),
        RuleSpec(code="name_length", kind="max_length", column="name", params={"characters": 120}),
        RuleSpec(code="lon_range", kind="range", column="lon", params={"min": -180, "max": 180}),
        RuleSpec(code="lat_range", kind="range", column="lat", params={"min": -90, "max": 90}),
    ),
    mappings=(
        MappingSpec(
            name="zh",
            rename={
                "设备编码": "code", "国标编码": "code", "设备类别": "kind", "设备名称": "name",
                "安装地点": "place", "经度": "lon", "纬度": "lat", "坐标系": "datum",
                "权属单位编码": "owner", "接入网络": "feed", "厂商": "maker", "型号": "model",
                "安装日期": "installed_on", "在用状态": "status",
            },
        ),
    ),
)  # fmt: skip

DATASETS = [DEVICES]
