"""How each kind of source is reached. No secrets in here: a password or token is Source.secret."""

from typing import Any, Literal, Self
from urllib.parse import parse_qsl, urlsplit

from django.utils.translation import gettext as _
from pydantic import Field, ValidationError, field_validator, model_validator

from commandcenter.core.errors import BadInput, Problem
from datahub.declare import Spec

from .states import PullKind

MAX_COLUMNS = 500
SECRET_WORDS = ("token", "secret", "passw", "apikey", "api-key", "api_key", "appkey", "access_key")
SECRET_NAMES = frozenset({"key", "sign", "signature", "auth", "authorization", "ak", "sk"})
Zone = Literal["Asia/Shanghai", "UTC"]


def _is_secret(name: str) -> bool:
    return name.lower() in SECRET_NAMES or any(word in name.lower() for word in SECRET_WORDS)


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
            raise ValueError(_("Hidden folders, done and failed cannot be watched."))
        return value

    @field_validator("pattern")
    @classmethod
    def _names_only(cls, value: str) -> str:
        if "/" in value or "\x00" in value:
            raise ValueError(_("A pattern of file names holds no slash."))
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
            raise ValueError(_("Taken from two columns: %(names)s") % {"names": ", ".join(twice)})
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
    identity: tuple[str, ...] = ()  # fields that tell one record from another: those that were chosen first

    @field_validator("url")
    @classmethod
    def _no_secret_in_sight(cls, value: str) -> str:
        """What stands in an address is shown; a token is not."""
        for name, _said in parse_qsl(urlsplit(value).query, keep_blank_values=True):
            if _is_secret(name):
                raise ValueError(_("%(name)s: a token is not given in the address.") % {"name": name})
        return value

    @field_validator("headers")
    @classmethod
    def _plain_headers(cls, value: dict[str, str]) -> dict[str, str]:
        for name, said in value.items():
            if not name.replace("-", "").isalnum() or any(mark in said for mark in "\r\n\x00"):
                raise ValueError(_("Not a header: %(name)s") % {"name": name})
            if name.lower() in ("host", "content-length", "transfer-encoding", "cookie"):
                raise ValueError(_("%(name)s is not set by hand.") % {"name": name})
            if _is_secret(name):
                raise ValueError(_("%(name)s: a token is not given as a header.") % {"name": name})
        return value

    @field_validator("secret_name", "secret_prefix")
    @classmethod
    def _one_line(cls, value: str) -> str:
        if any(mark in value for mark in "\r\n\x00:"):
            raise ValueError(_("Not a name of a header or parameter."))
        return value

    @field_validator("record_path", "next_path")
    @classmethod
    def _pointer(cls, value: str) -> str:
        if value and not value.startswith("/"):
            raise ValueError(_("A path begins with /"))
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
            [Problem(None, str((one["loc"] or ("",))[0]), _words(one)) for one in error.errors()]
        ) from error


def _words(error: Any) -> str:
    """What pydantic found, as the steward reads it."""
    kind = error["type"]
    if kind == "value_error":
        return str(error["msg"]).removeprefix("Value error, ")
    if kind == "string_pattern_mismatch":
        return _("Letters, digits, - and _ only, folders parted by /.")
    if kind == "string_too_long":
        return _("Too long.")
    return _("This value does not fit.")
