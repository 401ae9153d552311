"""`bin/bench share`: rows a second that one caller gets through the share API, in each format.

The caller walks a dataset of 400,000 rows page by page through the whole view: token, quota, log, column
cut, row filter, mask. The limit is the exchange of the source articles: 400 M rows a day are 4,630 a second,
and the platform's own check asks for 5,000. The bare read of the same columns stands beside it.
"""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from django.conf import settings
from django.test import Client

from datahub import selectors
from datahub.models import Dataset
from datahub.services import deliver, save_dataset
from datahub.sharing.models import Agreement
from datahub.sharing.services import hash_of
from datahub.sharing.services.platform import ensure_platform_grant

from . import ingest

ROWS = 400_000
LIMIT = 5_000  # rows/s; features.md row 3
PAGE = {"json": 10_000, "csv": 50_000, "arrow": 50_000}
TOKEN = "ccs_bench"


def main(argv: list[str] | None = None) -> None:
    settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, "testserver"]
    spec = ingest.spec("bench.share").model_copy(update={"lon_column": "", "lat_column": "", "rules": ()})
    save_dataset(spec)
    if selectors.pinned(spec.code).version is None:
        deliver(dataset_code=spec.code, table=_table(), history=True)
    _grant(spec.code)
    found: dict[str, Any] = {"rows": ROWS, "bare_rows_s": _bare(spec.code)}
    for form in PAGE:
        found[f"{form}_rows_s"] = _walk(spec.code, form)
    found["limit_rows_s"] = LIMIT
    found["ratio"] = round(found["json_rows_s"] / LIMIT, 1)
    print(json.dumps(found))


def _table() -> pa.Table:
    dice = np.random.default_rng(20261122)
    first = datetime.now(UTC) - timedelta(days=1)
    at = pa.array([first + timedelta(milliseconds=200 * n) for n in range(ROWS)], pa.timestamp("us", "UTC"))
    return pa.table(
        {
            "device": pa.array([f"D{n}" for n in dice.integers(0, 5_000, ROWS)]),
            "at": at,
            "lon": pa.array(dice.uniform(120.3, 121.8, ROWS)),
            "lat": pa.array(dice.uniform(31.8, 32.6, ROWS)),
            "speed": pa.array(dice.uniform(0, 120, ROWS)),
            "level": pa.array(dice.integers(1, 5, ROWS)),
        }
    )


def _grant(code: str) -> None:
    """A live grant with a filter and a mask, as a consumer has it."""
    dataset = Dataset.objects.get(code=code)
    ensure_platform_grant(
        consumer_ref="datahub.bench:share",
        dataset_code=code,
        columns=["device", "at", "speed", "level"],
        purpose="bench",
        legal_basis="bench",
    )
    Agreement.objects.filter(dataset=dataset, consumer_ref="datahub.bench:share").update(
        token_hash=hash_of(TOKEN),
        row_filter=[{"column": "speed", "op": "ge", "value": 0}],
        masking={"device": "text"},
    )


def _walk(code: str, form: str) -> int:
    client, rows, cursor = Client(), 0, ""
    began = time.perf_counter()
    while True:
        asked: dict[str, str | int] = {
            "format": form,
            "limit": PAGE[form],
            **({"cursor": cursor} if cursor else {}),
        }
        answer = client.get(f"/api/share/v1/{code}/rows", asked, headers={"Authorization": f"Bearer {TOKEN}"})
        if answer.status_code != 200:
            raise SystemExit(f"{answer.status_code}: {answer.content[:300]!r}")
        rows += int(answer["X-Rows"])
        cursor = answer["X-Next-Cursor"]
        if not cursor:
            break
    took = time.perf_counter() - began
    if rows != ROWS:
        raise SystemExit(f"{rows} rows came, {ROWS} are there")
    return round(rows / took)


def _bare(code: str) -> int:
    began = time.perf_counter()
    table = selectors.read(code, columns=["device", "at", "speed", "level"])
    return round(table.num_rows / (time.perf_counter() - began))
