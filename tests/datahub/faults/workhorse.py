# ruff: noqa: T201
"""A process that makes workers: everything is imported once, and each worker is a fork that may be killed.

Nothing opens the lake or the database before a fork. Commands come as lines of JSON on standard input;
each answer is one line. `work` forks a worker that goes through the whole list of work again and again
until it has been through once without a fault; `run` does one thing in a fork and waits for it.
"""

import json
import os
import random
import resource
import sys
import time
import traceback

import django

django.setup()

import duckdb  # noqa: E402, F401
import ibis  # noqa: E402, F401
import pandas  # noqa: E402, F401
import pyarrow.dataset  # noqa: E402, F401
from django.db import connections  # noqa: E402

from commandcenter import wiring  # noqa: E402
from datahub import selectors, services  # noqa: E402
from datahub.lake import engine, upkeep  # noqa: E402, F401
from datahub.models import Delivery, DeliveryBlob  # noqa: E402
from datahub.services.upkeep import compact_lake  # noqa: E402
from datahub.services.verifying import verify_lake  # noqa: E402
from tests.factories.datahub import READINGS, make_dataset, rows  # noqa: E402

wiring.TAPS = {}
CODE = READINGS.code
from .workhorse_size import PUSH_ROWS  # noqa: E402


def work(files, pushes, until_done=True):
    """What senders and the worker do, in one thread; every step may be done twice."""
    faults = 0
    while True:
        try:
            services.recover_deliveries()
            for n in range(max(len(files), pushes)):
                if n < pushes:
                    services.push_rows(CODE, rows(PUSH_ROWS, station=f"P{n:04d}"), key=f"push {n}")
                services.fold_blobs()
                if n < len(files):
                    delivery = services.deliver(dataset_code=CODE, path=files[n], file_name=f"{n}.csv")
                    if delivery.state != "committed":
                        raise RuntimeError(f"{delivery.state} {delivery.reason} {delivery.detail}")
            services.fold_blobs()
            compact_lake()
            return {"faults": faults}
        except Exception as error:
            faults += 1
            print(f"{type(error).__name__}: {error}"[:300], file=sys.stderr)
            connections.close_all()
            if faults > 200 or not until_done:
                raise
            time.sleep(0.05)  # a database that is coming up again refuses at once


def count():
    found = selectors.read(CODE, columns=["station", "at", "_delivery", "_row"])
    both = found.group_by(["station", "at"]).aggregate([])
    problems = [problem for one in verify_lake() for problem in one["problems"]]
    return {
        "rows": found.num_rows,
        "distinct": both.num_rows,
        "problems": problems,
        "open": Delivery.objects.unfinished().count(),
        "blobs": DeliveryBlob.objects.exclude(delivery__tapped_at__isnull=False).count(),
    }


def deliver_with_limit(path, size):
    """As on a full disk: no file may become larger than that."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    delivery = services.deliver(dataset_code=CODE, path=path)
    return {"state": delivery.state, "reason": delivery.reason, "detail": delivery.detail}


def deliver(path):
    delivery = services.deliver(dataset_code=CODE, path=path)
    return {"state": delivery.state, "reason": delivery.reason, "detail": delivery.detail}


def push_with_limit(station, size):
    chance = random.Random(station)
    services.push_rows(
        CODE, [{**row, "value": chance.uniform(0, 999)} for row in rows(5_000, station=station)]
    )
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    services.fold_blobs()
    latest = (
        Delivery.objects.order_by("-pk").values_list("state", "reason", "detail", "rows_in", "source").first()
    )
    return {"states": [latest]}


def recover():
    return {"done": services.recover_deliveries()}


def setup():
    return {"dataset": make_dataset().pk}


def issue_push_key():
    from datahub.push.services import issue_key
    from tests.factories.city import OrganisationFactory

    OrganisationFactory(code="3206-push", function="environment")
    return {"token": issue_key(name="faults", org_code="3206-push", dataset_codes=[CODE], by=None)[1]}


def fold():
    return {"rows": services.fold_blobs()}


def stations():
    """Rows of each station whose name begins with H."""
    found = selectors.read(CODE, columns=["station"]).group_by("station").aggregate([([], "count_all")])
    rows = zip(found.column("station").to_pylist(), found.column("count_all").to_pylist(), strict=True)
    return {name: n for name, n in rows if name.startswith("H")}


DO = {
    "issue_push_key": issue_push_key,
    "fold": fold,
    "stations": stations,
    "work": work,
    "count": count,
    "setup": setup,
    "deliver": deliver,
    "recover": recover,
    "deliver_with_limit": deliver_with_limit,
    "push_with_limit": push_with_limit,
}


def forked(what, given):
    """Run it in a child; returns the child's number and the end of a pipe that will hold its answer."""
    reader, writer = os.pipe()
    child = os.fork()
    if child:
        os.close(writer)
        return child, reader
    os.close(reader)
    try:
        answer = {"answer": DO[what](**given)}
    except BaseException as error:
        traceback.print_exc()
        answer = {"error": f"{type(error).__name__}: {error}"}
    os.write(writer, json.dumps(answer).encode())
    os._exit(0)


def main():
    print(json.dumps({"ready": True}), flush=True)
    running = {}
    for line in sys.stdin:
        order = json.loads(line)
        if order["do"] == "start":
            child, reader = forked(order["what"], order["given"])
            running[child] = reader
            print(json.dumps({"pid": child}), flush=True)
        else:  # wait
            with os.fdopen(running.pop(order["pid"]), "rb") as pipe:
                said = pipe.read()
            _pid, status = os.waitpid(order["pid"], 0)
            killed = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
            print(json.dumps({"killed": killed, **(json.loads(said) if said else {})}), flush=True)


if __name__ == "__main__":
    main()
