"""How each kind of source is reached. No secrets in here: a password or token is Source.secret."""

from typing import Any, Literal, Self

from django.utils.translation import gettext as _
from pydantic import Field, ValidationError, field_validator, model_validator

from commandcenter.core.errors import BadInput, Problem
from datahub.declare import Spec

from .states import PullKind

MAX_COLUMNS = 500
Zone = Literal["Asia/Shanghai", "UTC"]


class FolderSettings(Spec):
    """folder: below DROP_DIR. settle_s: a file that did not change for so long is whole."""

    folder: str = Field(pattern=r"^[\w.-]+(/[\w.-]+){0,3}$", max_length=200)
    pattern: str = Field(default="*", max_length=100)
    settle_s: int = Field(default=10, ge=0, le=3_600)
    keep_days: int = Field(default=30, ge=1, le=3_650)  # in done/ and failed/
    mapping: str = Field(default="", max_length=63)

    @field_validator("folder")
    @classmethod
    def _stays_inside(cls, value: str) -> str:
        if any(part.startswith(".") or part in ("done", "failed") for part in value.split("/")):
            raise ValueError("hidden folders, done and failed cannot be watched")
        return value

    @field_validator("pattern")
    @classmethod
    def _names_only(cls, value: str) -> str:
        if "/" in value or "\x00" in value:
            raise ValueError("a pattern of file names holds no slash")
        return value


class PulledColumns(Spec):
    """columns: column of the source -> column of the dataset. zone: of times that name none."""

    columns: dict[str, str] = Field(default={}, max_length=MAX_COLUMNS)
    zone: Zone = "Asia/Shanghai"

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        targets = list(self.columns.values())
        twice = sorted({name for name in targets if targets.count(name) > 1})
        if twice:
            raise ValueError(f"taken from two columns: {', '.join(twice)}")
        return self


class DatabaseSettings(PulledColumns):
    """url: SQLAlchemy's, without the password. cursor: '' reads the whole table each time.

    overlap: how far behind the last cursor value each run looks again (seconds, or units of a whole
    number), for rows that were written earlier and became visible later. identity: columns that tell
    one row from another: the primary key, else the columns that were chosen first.
    """

    url: str = Field(max_length=500)
    schema_name: str = Field(default="", max_length=63)
    table: str = Field(default="", max_length=63)
    cursor: str = Field(default="", max_length=63)
    overlap: int = Field(default=600, ge=0, le=7 * 86_400)
    identity: tuple[str, ...] = ()
    timeout_s: int = Field(default=60, ge=1, le=3_600)


class HttpSettings(PulledColumns):
    """form: paged JSON, or one whole file as the hub reads files. Paths are JSON pointers: /data/items.

    secret_in: where the token goes. since_param: a query parameter that is given the newest value of
    the field `since_field`; without a parameter the field still tells rows that came before.
    """

    url: str = Field(max_length=1_000)
    form: Literal["json", "file"] = "json"
    headers: dict[str, str] = Field(default={}, max_length=20)
    secret_in: Literal["none", "header", "query"] = "none"
    secret_name: str = Field(default="Authorization", max_length=100)
    secret_prefix: str = Field(default="", max_length=30)
    record_path: str = Field(default="", max_length=300)
    paging: Literal["none", "page", "offset", "token", "link"] = "none"
    page_param: str = Field(default="page", max_length=60)
    first_page: int = Field(default=1, ge=0, le=1)
    size_param: str = Field(default="", max_length=60)
    size: int = Field(default=100, ge=1, le=100_000)
    next_path: str = Field(default="", max_length=300)
    since_param: str = Field(default="", max_length=60)
    since_field: str = Field(default="", max_length=200)
    overlap: int = Field(default=86_400, ge=0, le=30 * 86_400)
    max_pages: int = Field(default=1_000, ge=1, le=20_000)
    max_mib: int = Field(default=256, ge=1, le=4_096)
    mapping: str = Field(default="", max_length=63)

    @field_validator("headers")
    @classmethod
    def _plain_headers(cls, value: dict[str, str]) -> dict[str, str]:
        for name, said in value.items():
            if not name.replace("-", "").isalnum() or any(mark in said for mark in "\r\n\x00"):
                raise ValueError(f"no header: {name}")
            if name.lower() in ("host", "content-length", "transfer-encoding", "authorization", "cookie"):
                raise ValueError(f"{name} is not set by hand; a token is given as the secret")
        return value

    @field_validator("secret_name", "secret_prefix")
    @classmethod
    def _one_line(cls, value: str) -> str:
        if any(mark in value for mark in "\r\n\x00:"):
            raise ValueError("no name of a header or parameter")
        return value

    @field_validator("record_path", "next_path")
    @classmethod
    def _pointer(cls, value: str) -> str:
        if value and not value.startswith("/"):
            raise ValueError("a path begins with /")
        return value


Settings = FolderSettings | DatabaseSettings | HttpSettings
_OF: dict[str, type[FolderSettings] | type[DatabaseSettings] | type[HttpSettings]] = {
    PullKind.FOLDER: FolderSettings,
    PullKind.DATABASE: DatabaseSettings,
    PullKind.HTTP: HttpSettings,
}


def parse(kind: str, values: dict[str, Any]) -> Settings:
    """Raises BadInput with every field that does not fit."""
    found = _OF.get(kind)
    if found is None:
        raise BadInput(Problem(None, "kind", _("There is no such kind of source.")))
    try:
        return found.model_validate(values)
    except ValidationError as error:
        raise BadInput(
            [
                Problem(
                    None, str(one["loc"][0]) if one["loc"] else "", one["msg"].removeprefix("Value error, ")
                )
                for one in error.errors()
            ]
        ) from error
