"""A small city with one of everything that the interface shows."""

from pathlib import Path
from typing import Any

from alerts.models import Alert
from city.roles import ADMIN_ROLES, Role
from commandcenter.core import clock
from datahub.devices.services import issue_key as issue_heartbeat_key
from datahub.models import Delivery, DeliveryBlob
from datahub.services import deliver, push_rows
from dispatch.models import Order
from grid.models import CellWorker, Report
from hotline.models import Ticket
from tests.factories.alerts import NOW, OZONE, air, bring, clean_air_city, switch
from tests.factories.city import CHONGCHUAN, CITY, OrganisationFactory, UserFactory
from tests.factories.datahub import csv_file, make_dataset, rows
from tests.factories.dispatch import OrderFactory
from tests.factories.grid import CELL, RUBBISH, a_report, walked_city
from tests.factories.hotline import TicketFactory, load_tree
from tests.factories.push import push_key
from tests.factories.sharing import CONDITIONAL, granted
from tests.factories.sharing import people as sharers


def build_city(folder: Path) -> dict[str, Any]:
    """People, a token of the share API, and what is there by the part of its address that names it."""
    with clock.at(NOW):
        return _build(folder)


def _build(folder: Path) -> dict[str, Any]:
    people = clean_air_city()
    walked = walked_city()
    load_tree()
    org = OrganisationFactory(code="320613-zj", function="housing")
    everybody = UserFactory(
        username="everybody",
        roles=[
            (role, CITY, org if role == Role.OFFICER else None) for role in Role if role not in ADMIN_ROLES
        ],
        organisation=org,
    )
    CellWorker.objects.create(user=everybody, cell_code=CELL)
    for state in ("new", "awaiting_dispatch", "dispatched", "awaiting_callback"):
        TicketFactory(state=state, by=everybody)
    for state in ("dispatched", "signed", "handled", "return_review", "held"):
        OrderFactory(org=org, state=state)
    a_report(walked["worker"])
    switch(OZONE, "live", people)
    bring(air([90, 120, 210]))
    make_dataset(CONDITIONAL)
    records = rows(6)
    records[2]["value"] = "=cmd()"
    deliver(dataset_code=CONDITIONAL.code, path=csv_file(folder, records))
    _agreement, token = granted(sharers())
    key, push_token = push_key([CONDITIONAL.code], rows_per_minute=1_000)
    push_rows(CONDITIONAL.code, [records[0]], sender=key.sender)
    ids = {
        "push": DeliveryBlob,
        "tickets": Ticket,
        "orders": Order,
        "grid": Report,
        "alerts": Alert,
        "deliveries": Delivery,
    }
    return {
        "everybody": everybody,
        "stranger": UserFactory(username="nobody"),
        "token": token,
        "heartbeat_token": issue_heartbeat_key(name="gateway", owner_code="", by=None)[1],
        "push_token": push_token,
        "org_id": org.pk,
        "ids": {name: sorted(model.objects.values_list("pk", flat=True)) for name, model in ids.items()},
        "codes": {
            "alerts": [OZONE],
            "areas": [CITY, CHONGCHUAN],
            "datasets": [CONDITIONAL.code],
            "grid": [RUBBISH],
            "ticket-categories": ["0706"],
            "share": [CONDITIONAL.code],
            "push": [CONDITIONAL.code],
        },
    }
