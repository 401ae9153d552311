"""Shaped reads: what a token may see, the inbox, a grant's use, the ledger."""

from datetime import date, timedelta
from typing import Any

from django.db.models import Count, F, Q, Sum, Window
from django.db.models.functions import RowNumber
from django.utils.translation import gettext as _

from city.selectors import organisation
from commandcenter.core import clock
from commandcenter.core.times import shanghai_day
from datahub.declare import DatasetSpec
from datahub.selectors import spec_for

from .models import Agreement, ShareCall, ShareCount, ShareKey, Yield
from .states import AgreementState, Outcome
from .terms import masks_of

CHART_DAYS = 30
NEWEST = 3


def catalogue_for(token_hash: str) -> list[dict[str, Any]] | None:
    """The datasets that a token opens now, cut to what is granted; None for a token that is not known."""
    live = Agreement.objects.live(at=clock.now()).select_related("dataset")
    ref = (
        ShareKey.objects.filter(token_hash=token_hash, until=None)
        .values_list("consumer_ref", flat=True)
        .first()
    )
    if ref is not None:
        rows = live.filter(consumer_ref=ref)
    elif Agreement.objects.filter(token_hash=token_hash).exists():
        rows = live.filter(token_hash=token_hash)
    else:
        return None
    return [_entry(agreement) for agreement in rows.order_by("dataset__code", "pk")]


def _entry(agreement: Agreement) -> dict[str, Any]:
    dataset = agreement.dataset
    spec = spec_for(dataset)
    hidden = masks_of(spec, agreement.masking)
    granted = [column for column in spec.columns if column.code in agreement.columns]
    return {
        "code": dataset.code,
        "name": dataset.name,
        "name_en": dataset.name_en,
        "summary": dataset.summary,
        "provider": dataset.provider,
        "agreement": agreement.number,
        "expires_at": agreement.expires_at,
        "declaration": cut(spec, agreement.columns).model_dump(mode="json"),
        "columns": [
            {
                "code": column.code,
                "kind": column.kind,
                "name": column.name,
                "name_en": column.name_en,
                "unit": column.unit,
                "masked": column.code in hidden,
            }
            for column in granted
        ],
    }


def cut(spec: DatasetSpec, columns: list[str]) -> DatasetSpec:
    """A declaration with these columns only; what pointed to others points to nothing."""
    kept = set(columns)
    both = spec.lon_column in kept and spec.lat_column in kept
    return spec.model_copy(
        update={
            "columns": tuple(column for column in spec.columns if column.code in kept),
            "time_column": spec.time_column if spec.time_column in kept else "",
            "subject_column": spec.subject_column if spec.subject_column in kept else "",
            "key_columns": spec.key_columns if set(spec.key_columns) <= kept else (),
            "lon_column": spec.lon_column if both else "",
            "lat_column": spec.lat_column if both else "",
            "rules": (),
            "mappings": (),
        }
    )


# ---------------------------------------------------------------- pages


def consumer_name(agreement: Agreement) -> str:
    """Who reads, in words."""
    if agreement.consumer_org:
        found = organisation(agreement.consumer_org)
        return found.name if found else agreement.consumer_org
    kind, _colon, name = agreement.consumer_ref.partition(":")
    words = {
        "datahub.preview": _("Preview in the catalogue"),
        "alerts.detector": _("Detector %(name)s") % {"name": name},
        "datahub.peer": _("Peer %(name)s") % {"name": name},
    }
    return words.get(kind, agreement.consumer_ref)


def provider_name(agreement: Agreement) -> str:
    code = agreement.dataset.provider
    found = organisation(code) if code else None
    return found.name if found else code


def calls_by_day(agreement: Agreement, days: int = CHART_DAYS) -> list[dict[str, Any]]:
    """Calls, rows and refusals of the last days, oldest first; a day without any is 0."""
    today = shanghai_day(clock.now())
    first = today - timedelta(days=days - 1)
    found: dict[date, dict[str, Any]] = {
        first + timedelta(days=n): {"day": first + timedelta(days=n), "calls": 0, "rows": 0, "refused": 0}
        for n in range(days)
    }
    counts = ShareCount.objects.filter(agreement=agreement, day__gte=first).order_by()
    for row in counts.values("day").annotate(c=Sum("calls"), r=Sum("rows"), f=Sum("refused")):
        if row["day"] in found:
            found[row["day"]].update(calls=row["c"], rows=row["r"], refused=row["f"])
    return list(found.values())


def recount(agreement: Agreement) -> dict[str, int]:
    """Calls, rows and refusals from the log itself; equals the counters, a test says so."""
    log = ShareCall.objects.filter(agreement=agreement)
    found = log.aggregate(
        calls=Count("pk", filter=Q(outcome=Outcome.OK)),
        rows=Sum("rows", filter=Q(outcome=Outcome.OK), default=0),
        refused=Count("pk", filter=Q(outcome=Outcome.REFUSED)),
    )
    return {name: int(value) for name, value in found.items()}


def yields_of(agreements: list[Agreement]) -> dict[int, tuple[int, list[Yield]]]:
    """Per grant, how much it produced and the newest of it."""
    rows = Yield.objects.filter(agreement__in=agreements)
    counted = dict(rows.order_by().values_list("agreement_id").annotate(n=Count("pk")))
    place = Window(RowNumber(), partition_by=F("agreement_id"), order_by=F("pk").desc())
    found: dict[int, tuple[int, list[Yield]]] = {pk: (n, []) for pk, n in counted.items()}
    for one in rows.annotate(place=place).filter(place__lte=NEWEST):
        found[one.agreement_id][1].append(one)
    return found


def grants_of_dataset(code: str) -> list[Agreement]:
    """Everybody who reads a dataset now, with what they took: for the dataset's page and its lineage."""
    live = Agreement.objects.live(at=clock.now()).filter(dataset__code=code)
    return list(live.select_related("dataset").with_use().order_by("consumer_kind", "consumer_ref"))


def ledger_totals(user: Any) -> dict[str, int]:
    """Of all grants that the user sees: how many, and calls, rows and refusals under them."""
    seen = Agreement.objects.visible_to(user).filter(granted_at__isnull=False)
    found = ShareCount.objects.filter(agreement__in=seen.values("pk")).aggregate(
        calls=Sum("calls", default=0), rows=Sum("rows", default=0), refused=Sum("refused", default=0)
    )
    return {"grants": seen.count(), **{name: int(value) for name, value in found.items()}}


def is_live(agreement: Agreement) -> bool:
    ends = agreement.expires_at
    return agreement.state == AgreementState.GRANTED and (ends is None or ends > clock.now())
