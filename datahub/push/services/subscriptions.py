"""Subscriptions: made, changed, paused and removed by stewards; watched by the timetable."""

import re
import ssl
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext as _

from commandcenter.core import clock
from commandcenter.core.errors import BadInput, Conflict, Problem, require
from commandcenter.journal.services import audit
from datahub.models import Dataset
from datahub.policies import may_deliver
from datahub.quality.services import raise_incident
from datahub.selectors import spec_for
from datahub.states import DatasetStatus

from .. import repeats
from ..mapping import check_mapping
from ..models import MessageReject, PushUse, Subscription, SubscriptionUse
from ..states import LinkState, Payload, Protocol
from .messages import KEEP_REJECTS

if TYPE_CHECKING:
    from city.models import User

KEEP_USES = timedelta(days=8)
SETTINGS = (
    "name", "host", "port", "tls", "ca_pem", "protocol", "username", "topic", "payload", "mapping",
    "take_retained", "away_after_s",
)  # fmt: skip
HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._:-]{0,251}[A-Za-z0-9])?")
SHORTEST_AWAY_S = 10


def check_topic(topic: str) -> str:
    """What is wrong with a topic filter; '' where nothing is. MQTT 5, section 4.7."""
    if not topic or len(topic.encode()) > 300 or "\0" in topic:
        return _("A topic has 1 to 300 bytes.")
    levels = topic.split("/")
    for n, level in enumerate(levels):
        if ("+" in level and level != "+") or ("#" in level and (level != "#" or n != len(levels) - 1)):
            return _("+ stands for one whole level, # for all that follow and comes last.")
    if topic.startswith("$") and not topic.startswith("$share/"):
        return _("Topics with $ belong to the broker itself.")
    return ""


def problems_of(values: Mapping[str, Any], dataset: Dataset | None) -> list[Problem]:
    """Everything wrong with the settings of a subscription."""
    found = []
    if not values["name"].strip():
        found.append(Problem(None, "name", _("A subscription needs a name.")))
    if not HOST.fullmatch(values["host"]):
        found.append(
            Problem(None, "host", _("A host name or an address, without anything before or behind it."))
        )
    if not 1 <= values["port"] <= 65535:
        found.append(Problem(None, "port", "1 … 65535"))
    if wrong := check_topic(values["topic"]):
        found.append(Problem(None, "topic", wrong))
    if values["protocol"] not in Protocol.values or values["payload"] not in Payload.values:
        found.append(Problem(None, "payload", _("Not known here.")))
    if values["away_after_s"] < SHORTEST_AWAY_S:
        found.append(Problem(None, "away_after_s", f"≥ {SHORTEST_AWAY_S}"))
    if values["ca_pem"].strip():
        try:
            ssl.create_default_context(cadata=values["ca_pem"])
        except (ssl.SSLError, ValueError):
            found.append(Problem(None, "ca_pem", _("Not readable as certificates in PEM.")))
    if dataset is None:
        found.append(Problem(None, "dataset_code", _("There is no such dataset.")))
        return found
    if dataset.status == DatasetStatus.RETIRED:
        found.append(Problem(None, "dataset_code", _("This dataset is out of use; nothing is taken in.")))
    columns = {column.code for column in spec_for(dataset).columns}
    found += [
        Problem(None, column, _("There is no such column."))
        for column in values["mapping"]
        if column not in columns
    ]
    return found + check_mapping(values["mapping"], values["payload"])


@transaction.atomic
def make_subscription(
    *, dataset_code: str, by: "User | None", secret: str = "", **values: Any
) -> Subscription:
    """by: None for the demo's own. Raises BadInput."""
    require(by is None or may_deliver(by))
    found = Dataset.objects.visible_to(by) if by is not None else Dataset.objects.all()
    dataset = found.filter(code=dataset_code).first()
    sub = Subscription(dataset=dataset, created_by=by, created_at=clock.now())
    _set(sub, values, dataset)
    sub.secret = secret
    sub.save()
    _audit(sub, "make", by)
    return sub


@transaction.atomic
def change_subscription(
    *, subscription_id: int, by: "User", secret: str | None = None, **values: Any
) -> Subscription:
    """secret: None leaves it as it is, but it does not follow to another broker: there it is said again."""
    require(may_deliver(by))
    sub = _locked(subscription_id)
    before = (sub.host, sub.port)
    _set(sub, values, sub.dataset)
    if secret is None and (sub.host, sub.port) != before and sub.secret:
        raise BadInput(Problem(None, "secret", _("For another broker the password has to be given again.")))
    if (sub.host, sub.port) != before:
        sub.subscribed = ""
    if secret is not None:
        sub.secret = secret
    sub.revision += 1
    sub.save()
    _audit(sub, "change", by)
    return sub


@transaction.atomic
def pause_subscription(*, subscription_id: int, paused: bool, by: "User") -> Subscription:
    """While it is paused the broker keeps what comes, as long as its own settings say."""
    require(may_deliver(by))
    sub = _locked(subscription_id)
    if sub.paused == paused:
        raise Conflict(_("It is so already."))
    sub.paused = paused
    sub.state, sub.state_at = (LinkState.PAUSED if paused else LinkState.IDLE), clock.now()
    sub.revision += 1
    sub.save(update_fields=["paused", "state", "state_at", "revision"])
    _audit(sub, "pause" if paused else "resume", by)
    return sub


@transaction.atomic
def remove_subscription(*, subscription_id: int, by: "User") -> None:
    """Its rows stay; the broker forgets the session after its own time."""
    require(may_deliver(by))
    sub = _locked(subscription_id)
    if not sub.paused:
        raise Conflict(_("Pause it first."))
    _audit(sub, "remove", by)
    sub.delete()


def unsaved(dataset_code: str, secret: str, **values: Any) -> Subscription:
    """A subscription as these settings would make it, for a first try. Raises BadInput."""
    sub = Subscription(created_at=clock.now())
    dataset = Dataset.objects.filter(code=dataset_code).first()
    _set(sub, values, dataset)
    sub.secret = secret
    return sub


def _locked(pk: int) -> Subscription:
    return Subscription.objects.select_for_update(of=("self",)).select_related("dataset").get(pk=pk)


def _set(sub: Subscription, values: Mapping[str, Any], dataset: Dataset | None) -> None:
    given = {name: values.get(name, getattr(sub, name)) for name in SETTINGS}
    given["mapping"] = {
        column: source.strip() for column, source in given["mapping"].items() if source.strip()
    }
    if problems := problems_of(given, dataset):
        raise BadInput(problems)
    for name, value in given.items():
        setattr(sub, name, value.strip() if isinstance(value, str) else value)


def _audit(sub: Subscription, action: str, by: "User | None") -> None:
    audit(
        actor=by,
        action=f"datahub.{action}_subscription",
        target_ref=sub.ref,
        body={"broker": f"{sub.host}:{sub.port}", "topic": sub.topic, "dataset": sub.dataset.code},
    )


# ---------------------------------------------------------------- the watch


def watch_subscriptions() -> int:
    """Report what no process reads, and forget what nobody needs any more; returns how many are unread."""
    at = clock.now()
    unread = 0
    for sub in Subscription.objects.filter(paused=False).select_related("dataset"):
        heard = max(
            filter(None, (sub.alive_at, sub.created_at, sub.state_at if sub.alive_at is None else None))
        )
        if at - heard > timedelta(seconds=max(sub.away_after_s, 60)):
            unread += 1
            raise_incident(
                kind="source_failing",
                key=sub.sender,
                dataset=sub.dataset,
                reason="process_away",
                detail=f"{sub.name}: run_mqtt",
                ref=sub.ref,
                at=at,
            )
    _sweep()
    return unread


def _sweep() -> None:
    at = clock.now()
    repeats.sweep(at)
    PushUse.objects.filter(minute__lt=at - KEEP_USES).delete()
    SubscriptionUse.objects.filter(minute__lt=at - KEEP_USES).delete()
    for pk in Subscription.objects.filter(rejected__gt=KEEP_REJECTS).values_list("pk", flat=True):
        mine = MessageReject.objects.filter(subscription=pk)
        oldest = mine.order_by("-pk").values_list("pk", flat=True)[KEEP_REJECTS : KEEP_REJECTS + 1].first()
        if oldest is not None:
            mine.filter(pk__lte=oldest).delete()
