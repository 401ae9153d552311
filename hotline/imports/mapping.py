"""How somebody's columns become ours: a declaration, checked before the first row is read."""

from typing import Literal, get_args

from django.utils.translation import gettext as _
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from commandcenter.core.errors import BadInput, DomainError, Problem
from hotline.models import ImportMapping

Target = Literal[
    "external_id",
    "title",
    "content",
    "taken_at",
    "event_time",
    "reply",
    "answered_at",
    "category",
    "class",
    "request_type",
    "channel",
    "urgency",
    "caller_name",
    "caller_phone",
    "caller_token",
    "address",
    "lon",
    "lat",
    "area_code",
    "confidential",
]
TARGETS: tuple[str, ...] = get_args(Target)
REQUEST_TYPES = {
    "咨询": "consult",
    "求助": "help",
    "投诉": "complaint",
    "举报": "report",
    "建议": "suggestion",
    "表扬": "praise",
    "其他": "other",
}
CHANNELS = {
    "电话": "phone",
    "网站": "web",
    "网络": "web",
    "APP": "app",
    "微信": "wechat",
    "短信": "sms",
    "邮件": "mail",
    "省级转办": "province",
    "来访": "visit",
}
YES = frozenset({"1", "true", "yes", "y", "是", "保密"})


class ColumnMapping(BaseModel):
    """One way to read a table.

    source: tickets are known by (source, external_id), so that a second run takes none.
    columns: our field -> the headers it may have, first match wins. required: fields whose column
    must be there. constants: our field -> value for all rows. datum: of lon and lat.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")
    label: str = ""
    source: str = Field(min_length=1, max_length=40)
    columns: dict[Target, tuple[str, ...]]
    required: tuple[Target, ...] = ("title", "content", "taken_at")
    constants: dict[Target, str] = {}
    classes: Literal["", "tipdm"] = ""
    datum: Literal["cgcs2000", "wgs84", "gcj02"] = "cgcs2000"

    @field_validator("source")
    @classmethod
    def _not_live(cls, value: str) -> str:
        if value == "live":
            raise ValueError("“live” is what is taken here")
        return value

    def resolve(self, header: list[str], file: str) -> dict[str, int]:
        """Our field -> place in the header. Raises BadInput naming every column that is missing."""
        places: dict[str, int] = {}
        for target, names in self.columns.items():
            for name in names:
                if name in header:
                    places[target] = header.index(name)
                    break
        missing = [
            target for target in self.required if target not in places and target not in self.constants
        ]
        if missing:
            raise BadInput(
                Problem(
                    None,
                    " / ".join(self.columns.get(target, (target,))),
                    _("The column is missing. The file has: %(header)s") % {"header": ", ".join(header)},
                    file,
                )
                for target in missing
            )
        return places


TIPDM = ColumnMapping(
    name="tipdm",
    label="public messages to officials, with replies or labels",
    source="tipdm",
    columns={
        "external_id": ("留言编号",),
        "caller_token": ("留言用户",),
        "title": ("留言主题",),
        "taken_at": ("留言时间",),
        "content": ("留言详情",),
        "reply": ("答复意见",),
        "answered_at": ("答复时间",),
        "class": ("一级标签", "一级分类"),
    },
    required=("external_id", "title", "content", "taken_at"),
    constants={"channel": "web", "request_type": "help"},
    classes="tipdm",
)
STANDARD = ColumnMapping(
    name="standard",
    label="this platform's own export, or any table with these headers",
    source="standard",
    columns={
        "external_id": ("工单编号", "编号", "number", "id"),
        "title": ("标题", "title"),
        "content": ("内容", "诉求内容", "content"),
        "taken_at": ("受理时间", "taken_at"),
        "event_time": ("发生时间", "event_time"),
        "reply": ("答复", "答复内容", "reply"),
        "answered_at": ("答复时间", "answered_at"),
        "category": ("分类编码", "category"),
        "request_type": ("诉求类型", "类型", "request_type"),
        "channel": ("来源", "渠道", "channel"),
        "caller_name": ("诉求人", "姓名", "caller_name"),
        "caller_phone": ("联系电话", "电话", "caller_phone"),
        "address": ("地址", "address"),
        "lon": ("经度", "lon"),
        "lat": ("纬度", "lat"),
        "area_code": ("区划代码", "area_code"),
        "confidential": ("是否保密", "confidential"),
    },
)
BUILT_IN: dict[str, ColumnMapping] = {one.name: one for one in (TIPDM, STANDARD)}


def parse_mapping(definition: dict[str, object]) -> ColumnMapping:
    """A saved definition, checked. Raises BadInput with each thing wrong."""
    try:
        return ColumnMapping.model_validate(definition)
    except ValidationError as error:
        raise BadInput(
            Problem(None, ".".join(map(str, one["loc"])), one["msg"], "mapping") for one in error.errors()
        ) from error


def known_names() -> list[str]:
    return sorted({*BUILT_IN, *ImportMapping.objects.values_list("name", flat=True)})


def find_mapping(name: str) -> ColumnMapping:
    """A built-in or saved mapping. Raises DomainError that lists the names there are."""
    if name in BUILT_IN:
        return BUILT_IN[name]
    saved = ImportMapping.objects.filter(name=name).first()
    if saved is None:
        raise DomainError(
            _("There is no mapping “%(name)s”. Known: %(known)s")
            % {"name": name, "known": ", ".join(known_names())},
            code="no_such_mapping",
        )
    return parse_mapping({**saved.definition, "name": saved.name})
