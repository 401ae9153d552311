"""Every address of the platform: a page with who opens it, or why it is none. A new one must be named here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from django.contrib.gis.geos import Point
from django.urls import URLPattern, get_resolver, reverse

from alerts.models import Alert, Detector
from alerts.services import load_detectors
from commandcenter.core import clock
from commandcenter.journal.services import pump
from datahub.portal.models import DataRequest
from datahub.services import deliver
from datahub.sharing.models import Agreement
from datahub.vault.asking import ask_erasure, place_hold
from datahub.vault.models import ErasureRequest
from dispatch import services as orders
from tests.dashboards.helpers import take, whole_case
from tests.datahub.vault.people import CLIENTS
from tests.factories.city import CHONGCHUAN, CITY, OrganisationFactory, UserFactory
from tests.factories.datahub import READINGS, csv_file, make_dataset, table_of_rows
from tests.factories.devices import OWNER as DEVICE_OWNER
from tests.factories.devices import camera
from tests.support.rows import least

Args = tuple[Any, ...]


@dataclass(frozen=True)
class Page:
    """who: of conftest's staff; args: names in the sample, or plain values; phone: seen on a telephone."""

    who: str
    args: tuple[str, ...] = ()
    query: str = ""
    phone: bool = False


PAGES: dict[str, Page] = {
    "account_login": Page("nobody"),
    "account_change_password": Page("officer"),
    "account_reauthenticate": Page("officer"),
    "account_inactive": Page("nobody"),
    "account_reset_password": Page("nobody"),
    "account_reset_password_done": Page("nobody"),
    "alerts:alert": Page("analyst", ("alert",)),
    "alerts:detector": Page("analyst", ("detector",)),
    "alerts:detector_list": Page("analyst"),
    "alerts:list": Page("analyst"),
    "city:profile": Page("officer"),
    "dashboards:cockpit": Page("leader"),
    "dashboards:search": Page("leader", query="?q=路灯"),
    "dashboards:trace": Page("leader", ("case_ref",)),
    "datahub:availability": Page("steward"),
    "datahub:cascade:peers": Page("steward"),
    "datahub:catalogue": Page("steward"),
    "datahub:correction": Page("steward", ("correction",)),
    "datahub:correction_ask": Page("steward", query="?row=datahub.row:{delivery}:2&column=value"),
    "datahub:corrections": Page("steward"),
    "datahub:dataset": Page("steward", ("code",)),
    "datahub:declare": Page("steward"),
    "datahub:delivery": Page("steward", ("delivery",)),
    "datahub:device": Page("steward", ("device",)),
    "datahub:device_map": Page("steward"),
    "datahub:device_upkeep": Page("steward"),
    "datahub:devices": Page("steward"),
    "datahub:entry": Page("steward", ("code",)),
    "datahub:erasure": Page("steward", ("erasure",)),
    "datahub:erasure_certificate": Page("steward", ("erased",)),
    "datahub:erasures": Page("steward"),
    "datahub:fault": Page("steward", ("fault",)),
    "datahub:faults": Page("steward"),
    "datahub:guard": Page("steward"),
    "datahub:incident": Page("steward", ("incident",)),
    "datahub:incidents": Page("steward"),
    "datahub:mend": Page("steward", ("delivery",)),
    "datahub:overview": Page("steward"),
    "datahub:new_subscription": Page("steward"),
    "datahub:push_keys": Page("steward"),
    "datahub:quality": Page("steward", ("code",)),
    "datahub:rule": Page("steward", ("code", "rule")),
    "datahub:rule_new": Page("steward", ("code",)),
    "datahub:rules": Page("steward", ("code",)),
    "datahub:sharing:agreement": Page("steward", ("agreement",)),
    "datahub:sharing:apply": Page("officer", ("code",)),
    "datahub:sharing:inbox": Page("steward"),
    "datahub:sharing:ledger": Page("steward"),
    "datahub:sharing:pick": Page("steward"),
    "datahub:source": Page("steward", ("source",)),
    "datahub:source_kinds": Page("steward"),
    "datahub:source_new": Page("steward", ("source_kind",)),
    "datahub:source_rhythm": Page("steward", ("source",)),
    "datahub:sources": Page("steward"),
    "datahub:subscription": Page("steward", ("subscription",)),
    "datahub:subscriptions": Page("steward"),
    "datahub:upload": Page("steward", ("code",)),
    "datahub:vault": Page("steward"),
    "dispatch:inbox": Page("officer", phone=True),
    "dispatch:order": Page("officer", ("order",), phone=True),
    "dispatch:review": Page("dispatcher"),
    "dispatch:score_rows": Page("leader", ("item",), "?unit={unit}"),
    "dispatch:scores": Page("leader"),
    "grid:detail": Page("grid_worker", ("report",), phone=True),
    "grid:mine": Page("grid_worker", phone=True),
    "grid:report": Page("grid_worker", phone=True),
    "hotline:call_backs": Page("operator"),
    "hotline:intake": Page("operator"),
    "hotline:ticket": Page("operator", ("ticket",)),
    "hotline:ticket_list": Page("operator"),
    "mfa_index": Page("officer"),
    "portal:answer": Page("steward", ("data_request",)),
    "portal:ask": Page("nobody"),
    "portal:dataset": Page("nobody", ("open_code",)),
    "portal:help": Page("nobody"),
    "portal:home": Page("nobody"),
    "portal:inbox": Page("steward"),
    "portal:progress": Page("nobody"),
}

# Pages whose templates are the admin theme's: judged by WCAG 2.1 alone. Its forms are left out: the search
# box inside them (select2) has no name of its own, which is not ours to mend.
ADMIN = {
    "admin:index": "system_admin",
    "admin:city_organisation_changelist": "system_admin",
    "admin:city_user_changelist": "security_admin",
    "admin:journal_auditentry_changelist": "audit_admin",
}

# What stands behind these is no page: data, a file, a fragment, or a form's other end.
NO_PAGE = {
    "data": """dashboards:areas dashboards:cockpit_data dashboards:passport dashboards:tile alerts:series
        portal:rows portal:dataset_jsonld portal:catalogue portal:ckan portal:None healthz metrics api_schema
        grid:token grid:where grid:worker hotline:suggest hotline:place hotline:draft""",
    "file": """datahub:rejects datahub:devices_export datahub:incidents_export datahub:mend_export dispatch:export
        datahub:sharing:file hotline:export grid:photo mfa_download_recovery_codes""",
    "fragment": """hotline:queue hotline:caller hotline:pick_area hotline:pick_category hotline:pick_org datahub:register
        datahub:device_card datahub:mend_check datahub:mend_open""",
    "form's other end": """alerts:dispatch alerts:revise alerts:switch alerts:verify city:end_deputy city:home
        datahub:cascade:add_peer datahub:cascade:add_route datahub:cascade:give_key datahub:cascade:pause
        datahub:cascade:sync datahub:correction_act datahub:deliver_sample datahub:device_act
        datahub:device_maintenance datahub:erasure_act datahub:fault_act datahub:incident_act
        datahub:incidents_acknowledge datahub:lift_hold datahub:mend_replace datahub:mend_replay
        datahub:mend_take datahub:mend_upload datahub:move_dataset datahub:rule_act datahub:sharing:act
        datahub:upload_begin datahub:upload_discard datahub:upload_part dispatch:act grid:send hotline:answer
        hotline:ask hotline:decide_opening hotline:dispatch hotline:hand_over hotline:open_caller
        datahub:change_subscription datahub:issue_push_key datahub:pause_subscription
        datahub:remove_subscription datahub:stop_push_key datahub:try_subscription datahub:source_accept
        datahub:source_drop datahub:source_pause datahub:source_resume datahub:source_run
        hotline:record_call_back hotline:reject hotline:take set_language account_logout""",
    # Steps of a way whose first page is judged, or doors that are shut here (nobody signs up by himself).
    "on the way": """datahub:proposal datahub:upload_preview datahub:source_connect datahub:source_pick
        datahub:source_columns account_signup account_email account_set_password
        account_email_verification_sent account_confirm_login_code account_confirm_email
        account_reset_password_from_key account_reset_password_from_key_done mfa_authenticate
        mfa_reauthenticate mfa_activate_totp mfa_deactivate_totp mfa_view_recovery_codes
        mfa_generate_recovery_codes""",
}


def all_names() -> set[str]:
    """Every address in the URL conf but the admin's and the interfaces'."""
    names = set(_walk(get_resolver(), ""))
    return {
        name for name in names if not name.startswith(("admin:", "api-", "share:", "push:", "devices_api:"))
    }


def _walk(resolver: Any, space: str) -> Iterator[str]:
    for pattern in resolver.url_patterns:
        if not isinstance(pattern, URLPattern):
            yield from _walk(pattern, f"{space}{pattern.namespace}:" if pattern.namespace else space)
        elif "/api/" not in str(getattr(pattern.callback, "__module__", "")).replace(".", "/") + "/":
            yield f"{space}{pattern.name}"


def excused() -> set[str]:
    return {name for names in NO_PAGE.values() for name in names.split()}


def path_of(name: str, page: Page, sample: SimpleNamespace) -> str:
    args = [getattr(sample, one) for one in page.args]
    return reverse(name, args=args) + page.query.format(**vars(sample))


def make_sample(people: Any, folder: Any) -> SimpleNamespace:
    """One of everything, so that no page is empty."""
    case = whole_case(people)
    open_ticket = take(people, caller_phone="13800138000")
    order = orders.open_order(
        kind="instruction", case_ref="hotline.ticket:1", title="清理排水口", content="雨前清理",
        area_code=f"{CHONGCHUAN}001", org_id=people.unit.pk, location=Point(120.83, 31.93, srid=4490),
    )  # fmt: skip
    pump()
    sample = SimpleNamespace(
        ticket=open_ticket.pk,
        case_ref=case.ticket.ref,
        order=order.pk,
        item="XW-02",
        unit=people.unit.code,
        rule="value_range",
    )
    _data(sample, people, folder)
    _alerts(sample)
    _report(sample, people)
    return sample


def _data(sample: SimpleNamespace, people: Any, folder: Any) -> None:
    from datahub.connectors.models import Source
    from datahub.devices.models import Device, Fault
    from datahub.push.models import Subscription
    from datahub.quality.models import CorrectionRequest
    from datahub.quality.services import raise_incident

    steward = people.steward
    OrganisationFactory(code="3206-data", function="data", area_code=CITY)
    OrganisationFactory(code="3206-environment", function="environment", area_code=CITY)
    given = {"provider": "3206-environment", "share_type": "conditional", "open_type": "closed"}
    dataset = make_dataset(READINGS.model_copy(update=given))
    make_dataset(CLIENTS)
    opened = {"code": "test.opened", "provider": "3206-environment", "open_type": "open"}
    make_dataset(READINGS.model_copy(update={**opened, "share_type": "unconditional"}))
    delivery = deliver(dataset_code=READINGS.code, table=table_of_rows(30))
    bad = [
        {
            "station": "A",
            "at": "2026-06-01T00:00:00+08:00",
            "value": "x",
            "count": 1,
            "lon": 120.9,
            "lat": 31.9,
        }
    ]
    good = [{**bad[0], "value": 3, "station": "B"}]
    mixed = deliver(dataset_code=READINGS.code, path=csv_file(folder, [*bad, *good]))
    deliver(dataset_code="test.opened", table=table_of_rows(5))
    deliver(dataset_code=CLIENTS.code, path=csv_file(folder, [
        {"id_number": "320602199001011234", "name": "张晓明", "phone": "13862901234", "remark": "", "age": 3}
    ], "clients.csv"))  # fmt: skip
    sample.code, sample.delivery, sample.open_code, sample.register = (
        dataset.code,
        mixed.pk,
        "test.opened",
        CLIENTS.code,
    )
    sample.agreement = _agreement(dataset, people)
    sample.data_request = least(
        DataRequest, number="KF-1", due_at=clock.now() + timedelta(days=5), title="公交数据"
    ).pk
    sample.incident = raise_incident(kind="late", key="", dataset=dataset, reason="late").pk
    place_hold(value="13900139000", statute="网络安全法", reason="案件侦办", by=steward)
    sample.erasure = ask_erasure(
        values=["13862901234"], ground="consent", reason="本人申请", by=UserFactory(may=["steward"])
    ).pk
    sample.erased = ErasureRequest.objects.create(
        ground="consent", reason="***", asked_by=steward, asked_at=clock.now(), state="done", done_at=clock.now(),
        decided_at=clock.now(),
    ).pk  # fmt: skip
    sample.source = least(
        Source, dataset=dataset, name="气象站", kind="folder", folder="air", settings={"folder": "air"}
    ).pk
    sample.source_kind = "http"
    sample.subscription = least(Subscription, dataset=dataset, name="气象站").pk
    OrganisationFactory(code=DEVICE_OWNER, function="police", area_code=CHONGCHUAN)
    sample.device = least(
        Device, code=camera(1), name="路口", owner_code=DEVICE_OWNER, area_code=CHONGCHUAN
    ).pk
    sample.fault = least(
        Fault,
        number="GZ-1",
        title=camera(1),
        owner_code=DEVICE_OWNER,
        area_code=CHONGCHUAN,
        due_at=clock.now(),
    ).pk
    sample.correction = least(
        CorrectionRequest,
        due_at=clock.now() + timedelta(days=5),
        dataset=dataset,
        number="JH-1",
        row_ref=f"datahub.row:{delivery.pk}:1",
        column="value",
    ).pk


def _agreement(dataset: Any, people: Any) -> int:
    return least(
        Agreement, dataset=dataset, number="GX-1", consumer_ref=f"city.organisation:{people.unit.code}",
        consumer_org=people.unit.code, purpose="汛期会商", legal_basis="防汛条例", columns=["station", "value"],
        due_at=clock.now() + timedelta(days=2), clock_since=clock.now(),
    ).pk  # fmt: skip


def _alerts(sample: SimpleNamespace) -> None:
    load_detectors(codes=["env-o3-1h"])
    detector = Detector.objects.order_by("pk").first()
    assert detector is not None
    now = clock.now()
    sample.detector = detector.code
    sample.alert = least(
        Alert, detector=detector, version=1, subject="A", title="臭氧超标", level=2, state="raised", trial=False,
        area_code=CHONGCHUAN, value=180, peak=190, peak_at=now, unit="μg/m³", started_at=now, raised_at=now,
        recorded_at=now,
    ).pk  # fmt: skip


def _report(sample: SimpleNamespace, people: Any) -> None:
    from grid.models import EventKind, Report

    kind = least(EventKind, code="e0102", name="暴露垃圾", function="urban_mgmt")
    sample.report = least(
        Report, number="WG-1", client_uuid="0" * 32, kind=kind, title="暴露垃圾", reporter=people.grid_worker,
        area_code=f"{CHONGCHUAN}001", happened_at=clock.now(), reported_at=clock.now(),
    ).pk  # fmt: skip
