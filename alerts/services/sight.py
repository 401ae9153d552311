"""Detectors are consumers of the hub: without a live grant that names their purpose they see nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from commandcenter.core.errors import DomainError
from commandcenter.core.refs import make_ref
from datahub import selectors as hub
from datahub.sharing import services as sharing
from datahub.sharing.policies import is_open_to_all, unread

from ..models import NO_GRANT, Detector
from ..states import WATCHING, Health
from .detectors import note_sight
from .judging import needed_columns

PURPOSE = "预警模型“%s”：从数据中发现需要处置的情况，线索交由人员核实。"
BASIS = "《政务数据共享条例》（国务院令第809号）；市域社会治理现代化指挥中心预警预判职责。"
KIND = "alerts.detector"


def consumer_ref(detector: Detector) -> str:
    return make_ref(KIND, detector.code)


def columns_read(detector: Detector) -> list[str]:
    """What the detector reads of its dataset, its place included."""
    columns = [name for name in needed_columns(detector) if not name.startswith("_")]
    try:
        spec = hub.spec_of(detector.dataset_code)
    except DomainError:
        return columns
    known = {column.code for column in spec.columns}  # a column that does not exist is an error of its own
    wanted = [*columns, spec.lon_column, spec.lat_column]
    return [name for name in wanted if name in known]


def seed_grants(detectors: Iterable[Detector]) -> None:
    """The packs' own detectors come with their agreements; one that people stopped stays stopped."""
    for detector in detectors:
        sharing.ensure_platform_grant(
            consumer_ref=consumer_ref(detector),
            dataset_code=detector.dataset_code,
            columns=columns_read(detector),
            purpose=PURPOSE % detector.name,
            legal_basis=BASIS,
        )


def seed_open_grant(detector: Detector) -> None:
    """What everybody may read needs no application, only an agreement on record."""
    if is_open_to_all(detector.dataset_code):
        seed_grants([detector])


def shut_out(dataset_code: str, detectors: Iterable[Detector]) -> set[str]:
    """Codes of those that may not read the dataset now; each of them is blind from here on."""
    by_ref = {consumer_ref(detector): detector for detector in detectors}
    closed = unread(dataset_code, {ref: columns_read(one) for ref, one in by_ref.items()})
    for ref, why in closed.items():
        note_sight(
            detector_id=by_ref[ref].pk, health=Health.BLIND, reason=f"{NO_GRANT}{dataset_code} ({why})"
        )
    return {by_ref[ref].code for ref in closed}


def follow_grant(*, payload: dict[str, Any]) -> None:
    """A detector's agreement took a step: a stop is seen at once, not at the next row."""
    code = str(payload["consumer_ref"]).removeprefix(f"{KIND}:")
    detector = Detector.objects.filter(code=code, state__in=WATCHING).first()
    if detector is None or detector.dataset_code != payload["dataset_code"]:
        return
    if not shut_out(detector.dataset_code, [detector]) and detector.health_reason.startswith(NO_GRANT):
        note_sight(detector_id=detector.pk, health=Health.OK)
