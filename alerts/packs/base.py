"""The form of a declaration, the same that a person fills in without code."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ..patterns import parse_params


class DetectorSpec(BaseModel):
    """A detector as its pack declares it. params are those of the pattern, with units."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: str
    pack: str
    name: str
    name_en: str
    pattern: str
    dataset_code: str
    subject_column: str
    time_column: str
    params: dict[str, Any]
    function: str
    default_area: str = "3206"
    auto_dispatch_from: int | None = Field(default=None, ge=1, le=4)
    source_text: str
    source_text_en: str
    privacy_class: str = "none"

    @model_validator(mode="after")
    def _params_fit(self) -> DetectorSpec:
        parse_params(self.pattern, self.params)
        return self
