"""What every event says of itself."""

from datetime import datetime
from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class EventBody(BaseModel):
    """The base of each app's events. A body holds only what its whole audience may read.

    area_code: where it happened, '' for the whole platform; audiences: who may hear of it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: ClassVar[str]

    area_code: str
    audiences: list[str]
    at: datetime
