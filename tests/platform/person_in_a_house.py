"""Steps of test_restore_erased.py, each run in a house's own Django: `plant`, `deliver`, `erase`, `look`."""

import json
import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from django.conf import settings
from django.db.models import Sum

from commandcenter.core.spoken import Needles
from datahub.models import Dataset, Delivery
from datahub.services import deliver, fold_blobs, push_rows, recover_deliveries
from datahub.services.verifying import verify_lake
from datahub.vault.asking import approve_erasure, ask_erasure
from datahub.vault.erasing import run_erasure
from tests.datahub.vault.people import CLIENTS, LETTERS, LI, ZHANG, letters
from tests.factories.city import UserFactory
from tests.factories.datahub import make_dataset
from tests.factories.hotline import TicketFactory

VALUES = (ZHANG["phone"], ZHANG["id_number"])


def plant():
    make_dataset(CLIENTS)
    make_dataset(LETTERS)
    TicketFactory(content=f"请回电 {ZHANG['phone'][:3]}-{ZHANG['phone'][3:]}", caller_phone=ZHANG["phone"])
    folder = Path(tempfile.mkdtemp())
    path = folder / "clients.parquet"
    pq.write_table(
        pa.Table.from_pylist([{**ZHANG, "remark": "x", "age": 35}, {**LI, "remark": "", "age": 4}]), path
    )
    deliver(dataset_code=CLIENTS.code, path=path)
    deliver(dataset_code=LETTERS.code, path=letters(folder))
    return {}


def keep_delivering(seconds):
    """Deliveries and small batches without a pause, so that a backup is taken in the midst of them."""
    end, n = time.monotonic() + float(seconds), 0
    say("started")
    while time.monotonic() < end:
        n += 1
        rows = [{"number": f"{n}-{i}", "content": f"第{n}批 {ZHANG['phone']}", "pages": i} for i in range(20)]
        push_rows(LETTERS.code, rows, key=f"b{n}")
        path = Path(settings.MEDIA_ROOT) / "datahub" / "inbox" / f"{n}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist([{"number": f"f{n}", "content": "x", "pages": 1}]), path)
        deliver(dataset_code=LETTERS.code, path=path)
    return {"batches": n}


def erase():
    asked = ask_erasure(
        values=VALUES, ground="consent", reason="本人申请", by=UserFactory(username="asks", may=["steward"])
    )
    approve_erasure(request_id=asked.pk, by=UserFactory(username="decides", may=["steward"]))
    return {"state": run_erasure(asked.pk).state}


def look():
    """What is where, after everything that waits was worked off."""
    recover_deliveries()
    fold_blobs()
    needles = Needles(VALUES)
    lake = [
        str(path)
        for path in Path(settings.LAKE_URL).rglob("*.parquet")
        if needles.within_deep(pq.read_table(path, partitioning=None).to_pylist())
    ]
    rows = Delivery.objects.filter(state="committed").aggregate(n=Sum("rows_committed"))["n"]
    return {
        "problems": [problem for one in verify_lake() for problem in one["problems"]],
        "lake": lake,
        "rows": rows,
        "refused": list(Delivery.objects.filter(state="refused").values_list("reason", flat=True)),
        "datasets": Dataset.objects.count(),
    }


def say(words):
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


def run(step, *arguments):
    steps = {"plant": plant, "deliver": keep_delivering, "erase": erase, "look": look}
    say(json.dumps(steps[step](*arguments)))
