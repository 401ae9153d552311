# ruff: noqa: E501 -- Chinese counts double there; the table stays readable with one line a concept
"""Words about columns: what a header is usually called, in which unit, and which mean the same.

A concept is what a column is about, whatever its header says: `uscc`, 统一社会信用代码 and
`credit_code` are one. The duplicate guard compares concepts; the browser form proposes names,
units and grades from the same table.
"""

import re
import unicodedata
from dataclasses import dataclass


@dataclass(frozen=True)
class Concept:
    """words: other spellings, folded by `fold`. plain: stands in nearly every table, so repeats nothing."""

    code: str
    name: str
    name_en: str
    words: tuple[str, ...] = ()
    unit: str = ""
    grade: str = "L1"
    personal: bool = False
    plain: bool = False


def _c(code: str, name: str, name_en: str, words: str = "", **more: object) -> Concept:
    return Concept(code, name, name_en, tuple(words.split()), **more)  # type: ignore[arg-type]


CONCEPTS: tuple[Concept, ...] = (
    _c("at", "时间", "Time", "time ts timestamp datetime 时间 日期 date start dt time_utc 监测时间", plain=True),
    _c("id", "编号", "Number", "id no number code 序号 编号 代码 unique_key 唯一标识", plain=True),
    _c("name", "名称", "Name", "name title 名称 标题", plain=True),
    _c("kind", "类别", "Kind", "kind type category 类别 类型 种类", plain=True),
    _c("status", "状态", "State", "status state 状态", plain=True),
    _c("area_code", "区划代码", "Area code", "area adcode region 区划 行政区划 区划代码 所属区域", plain=True),
    _c("lon", "经度", "Longitude", "lng longitude long x 经度 point_x", unit="°", plain=True),
    _c("lat", "纬度", "Latitude", "latitude y 纬度 point_y", unit="°", plain=True),
    _c("value", "数值", "Value", "value val reading 数值 读数 监测值", plain=True),
    _c("note", "备注", "Note", "note remark remarks comment 备注 说明", plain=True),
    _c("uscc", "统一社会信用代码", "Unified social credit code",
       "credit_code uniscid social_credit_code 统一社会信用代码 社会信用代码 信用代码 纳税人识别号"),
    _c("company", "企业名称", "Company", "enterprise company_name 企业名称 单位名称 公司名称 企业 市场主体名称"),
    _c("legal_person", "法定代表人", "Legal representative", "legal_rep 法人 法人姓名 法定代表人 负责人 法人代表",
       personal=True, grade="L3"),
    _c("person_name", "姓名", "Name of the person",
       "xm full_name person caller_name contact 姓名 联系人 申请人 户主 住户姓名 业主姓名", personal=True, grade="L3"),
    _c("id_number", "身份证号", "Identity number",
       "sfzh id_card idcard identity_no identity_number 身份证 身份证号 身份证号码 公民身份号码 证件号码",
       personal=True, grade="L4"),
    _c("phone", "联系电话", "Telephone",
       "mobile tel telephone phone_number caller_phone 电话 手机 手机号 手机号码 联系电话 联系方式 电话号码",
       personal=True, grade="L3"),
    _c("birth", "出生日期", "Date of birth", "birthday birth_date dob 出生日期 出生年月", personal=True, grade="L3"),
    _c("sex", "性别", "Sex", "gender 性别", grade="L2"),
    _c("address", "地址", "Address", "addr location_address incident_address 地址 住址 详细地址 居住地址 经营地址",
       grade="L2"),
    _c("house_id", "房屋编号", "House", "house house_no 房屋编号 房屋编码 户号", grade="L2"),
    _c("persons", "人数", "Persons", "person_count people 人数 居住人数 登记人数 人口数", unit="人"),
    _c("area_m2", "面积", "Floor area", "floor_area 面积 建筑面积", unit="㎡"),
    _c("plate", "车牌号", "Plate", "plate_no car_no licence_plate 车牌 车牌号 车牌号码 号牌号码", grade="L2"),
    _c("speed", "速度", "Speed", "speed_kmh 速度 车速", unit="km/h"),
    _c("device", "设备编号", "Device", "device_id sensor sensor_id 设备 设备编号 设备编码 传感器 探测器编号"),
    _c("station", "站点", "Station", "station_id site site_id 站点 站点编号 测站 测站编码 监测站点"),
    _c("altitude", "海拔", "Altitude", "altitude_ft altitude_m elevation 海拔 高程"),
    _c("pm2_5", "细颗粒物", "PM2.5", "pm25 pm2 细颗粒物", unit="μg/m³"),
    _c("pm10", "可吸入颗粒物", "PM10", "可吸入颗粒物", unit="μg/m³"),
    _c("so2", "二氧化硫", "Sulphur dioxide", "二氧化硫", unit="μg/m³"),
    _c("no2", "二氧化氮", "Nitrogen dioxide", "二氧化氮", unit="μg/m³"),
    _c("co", "一氧化碳", "Carbon monoxide", "一氧化碳", unit="μg/m³"),
    _c("o3", "臭氧", "Ozone", "臭氧", unit="μg/m³"),
    _c("temp_c", "气温", "Temperature", "temp temperature 气温 温度", unit="℃"),
    _c("pres_hpa", "气压", "Pressure", "pres pressure 气压", unit="hPa"),
    _c("dewp_c", "露点温度", "Dew point", "dewp dew_point 露点 露点温度", unit="℃"),
    _c("rain_mm", "降水量", "Rain", "rain rainfall precipitation 降水量 雨量 降雨量", unit="mm"),
    _c("wind_dir", "风向", "Wind direction", "wd wind_direction 风向"),
    _c("wind_ms", "风速", "Wind speed", "wspm wind_speed 风速", unit="m/s"),
    _c("kwh", "用电量", "Electricity used", "electricity power_kwh 用电量 用电", unit="kWh"),
    _c("m3", "用水量", "Water used", "water_m3 用水量 用水", unit="m³"),
    _c("level_m", "水位", "Water level", "level water_level 水位 液位", unit="m"),
    _c("flow", "流量", "Flow", "m3h flow_m3h 流量", unit="m³/h"),
    _c("chem", "危化品名称", "Chemical", "chemical chem_name 危化品 危化品名称 品名 货物名称"),
    _c("qty", "数量", "Quantity", "quantity qty_t amount_t 数量 储量"),
    _c("amount", "金额", "Amount", "money sum fee 金额", unit="元", grade="L2"),
    _c("valid_to", "有效期至", "Valid until", "expiry expires valid_until 有效期 有效期至 到期日期"),
    _c("cert_no", "证书编号", "Certificate", "certificate licence_no permit_no 证书编号 许可证号 证号"),
    _c("category_code", "类别代码", "Category code", "complaint_type cat2 诉求类别 类别代码 小类代码"),
    _c("taken_at", "受理时间", "Taken at", "created_date created_at accepted_at 受理时间 登记时间 创建时间"),
    _c("closed_at", "办结时间", "Closed at", "closed_date closed finish_at 办结时间 结案时间 关闭时间"),
    _c("due_at", "到期时间", "Due at", "due_date due deadline 办理期限 截止时间 到期时间"),
    _c("pop", "常住人口", "Population", "population residents 人口 常住人口", unit="人"),
    _c("households", "户数", "Households", "household_count 户数 总户数", unit="户"),
    _c("firms", "企业数", "Firms", "firm_count 企业数 商户数", unit="家"),
)  # fmt: skip

_NOISE = re.compile(r"[（(\[【].*?[)）\]】]")
_SPLIT = re.compile(r"[^0-9a-z\u4e00-\u9fff]+")
_UNIT = re.compile(r"[（(\[【]\s*([^()（）\[\]【】]{1,16})\s*[)）\]】]\s*$")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def fold(header: str) -> str:
    """A header without case, width, brackets and signs: `PM2.5(μg/m³)` and `pm2_5` are one."""
    text = unicodedata.normalize("NFKC", _CAMEL.sub("_", header)).casefold()
    return _SPLIT.sub("_", _NOISE.sub("", text) or text).strip("_")


_BY_WORD: dict[str, Concept] = {}
for _one in CONCEPTS:
    for _word in (_one.code, _one.name, _one.name_en, *_one.words):
        _BY_WORD.setdefault(fold(_word), _one)


def concept_of(*names: str) -> Concept | None:
    """The concept that the first known one of these names stands for."""
    for name in names:
        found = _BY_WORD.get(fold(name)) if name else None
        if found is not None:
            return found
    return None


def meaning_of(*names: str) -> str:
    """What a column is compared by: a concept's code, or its own folded name, the Chinese one first.

    A name of its own (单元名称) says more than the plain concept that its code stands for (`name`).
    """
    known = [(fold(name), _BY_WORD.get(fold(name))) for name in names if name]
    for _word, concept in known:
        if concept is not None and not concept.plain:
            return concept.code
    chinese = next((word for word, concept in known if concept is None and not word.isascii()), "")
    plain = next((concept.code for _word, concept in known if concept is not None), "")
    return chinese or plain or next((word for word, _concept in known), "")


def is_plain(meaning: str) -> bool:
    """Whether it stands in nearly every table, so that having it in common says nothing."""
    return meaning in _PLAIN


_PLAIN = frozenset(one.code for one in CONCEPTS if one.plain)


def unit_in(header: str) -> str:
    """The unit that a header carries in brackets: 流量(m³/h)."""
    found = _UNIT.search(unicodedata.normalize("NFC", header))
    text = found.group(1).strip() if found else ""
    if text and len(text) <= 12 and not text.isdigit() and " " not in text:
        return text
    return _SUFFIXES.get(fold(header).rpartition("_")[2], "") if "_" in fold(header) else ""


_SUFFIXES = {
    "ft": "ft",
    "km": "km",
    "kmh": "km/h",
    "kwh": "kWh",
    "mm": "mm",
    "pct": "%",
    "kpa": "kPa",
    "mpa": "MPa",
}
