"""`bin/bench push`: rows a second through the push API, all to one dataset, through the real server.

Uvicorn is started with the line of bin/Procfile; a process beside it folds once a second, as beat has the
worker do. Senders in processes of their own keep so many connections busy with batches of 500 rows (NDJSON,
readings with a place in one of 13,649 cells, four rules), each with an Idempotency-Key of its own, one batch
after the other; what counts is what was answered 202, and the time from the first byte to the answer.

Every half second a marked reading goes along, and somebody asks the lake for it until it is there: the delay
to queryable. After the end everything is folded and counted: every acknowledged row is there once.

Beside it, in the same run and with the same senders:
    insert   the same bytes into a PostgreSQL table, one INSERT a batch, by psycopg2 on as many connections:
             what durable costs at least
    echo     an ASGI application that reads the body and answers 202: what the server costs at least

--rate N: senders keep to N rows/s together, which is how the p95 of a given load is seen; without it they
send as fast as they are answered.
"""

import argparse
import asyncio
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ROWS = 500
LIMIT_ROWS_S, LIMIT_P95_MS, LIMIT_DELAY_S = 20_000, 200, 2.0
ROOT = Path(__file__).resolve().parent.parent.parent
SENDERS = 2  # processes
CODE = "bench.push"


# ---------------------------------------------------------------- what is sent


def bodies(number: int) -> list[bytes]:
    """Different batches of one sender; times are set when they go out."""
    import random

    dice = random.Random(number)
    made = []
    for _ in range(20):
        lines = [
            f'{{"device":"D{dice.randrange(5_000):05d}","at":"@@","lon":{dice.uniform(120.25, 121.85):.6f},'
            f'"lat":{dice.uniform(31.75, 32.65):.6f},"speed":{dice.uniform(0, 120):.1f},'
            f'"level":{dice.randrange(1, 5)}}}'
            for _row in range(ROWS)
        ]
        made.append("\n".join(lines).encode())
    return made


def stamped(body: bytes) -> bytes:
    return body.replace(b"@@", datetime.now(UTC).isoformat(timespec="milliseconds").encode())


async def _request(reader: Any, writer: Any, path: str, token: str, body: bytes, number: str) -> int:
    """One POST on a connection that stays open; the client is to cost as little as it can."""
    writer.write(
        (
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Type: application/x-ndjson\r\nIdempotency-Key: {number}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        ).encode()
        + body
    )
    await writer.drain()
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
    )
    await reader.readexactly(length)
    return int(head[9:12])


async def _connection(port: int, path: str, token: str, name: str, until: float, every: float) -> list[Any]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    mine, found, n = bodies(hash(name) % 1_000_000), [], 0
    due = time.monotonic()
    while time.monotonic() < until:
        if every:
            due += every
            await asyncio.sleep(max(0.0, due - time.monotonic()))
        body = stamped(mine[n % len(mine)])
        began = time.monotonic()
        status = await _request(reader, writer, path, token, body, f"{name}-{n}")
        found.append((status, (time.monotonic() - began) * 1_000))
        n += 1
    writer.close()
    return found


def sender() -> None:
    """A process of its own: what to send comes as JSON, what was answered goes back as JSON."""
    given = json.loads(sys.stdin.readline())
    seconds, every = given["seconds"], given["every"]

    async def all_of_them() -> list[Any]:
        until = time.monotonic() + seconds
        where = given["port"], given["path"], given["token"]
        each = (
            _connection(*where, f"{given['name']}-{n}", until, every) for n in range(given["connections"])
        )
        return [one for part in await asyncio.gather(*each) for one in part]

    print(json.dumps(asyncio.run(all_of_them())))


def send(
    port: int, path: str, token: str, *, connections: int, seconds: float, rate: int = 0
) -> dict[str, Any]:
    """Keep the connections busy for so long. Returns rows a second and times."""
    each = max(1, connections // SENDERS)
    given = {"port": port, "path": path, "token": token, "connections": each, "seconds": seconds}
    given["every"] = ROWS * each * SENDERS / rate if rate else 0.0
    run = f"{os.getpid()}-{time.monotonic_ns()}"
    command = [sys.executable, "-c", "from datahub.bench.push import sender; sender()"]
    senders = []
    for n in range(SENDERS):
        one = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert one.stdin is not None
        one.stdin.write(json.dumps({**given, "name": f"{run}-{n}"}) + "\n")
        one.stdin.flush()
        senders.append(one)
    found = [answer for one in senders for answer in said(one)]
    taken = sorted(ms for status, ms in found if status == 202)
    refused: dict[str, int] = {}
    for status, _ms in found:
        if status != 202:
            refused[str(status)] = refused.get(str(status), 0) + 1
    return {
        "batches": len(taken),
        "rows": len(taken) * ROWS,
        "rows_s": round(len(taken) * ROWS / seconds),
        "p50_ms": round(taken[len(taken) // 2], 1),
        "p95_ms": round(taken[int(len(taken) * 0.95)], 1),
        "p99_ms": round(taken[int(len(taken) * 0.99)], 1),
        "refused": refused,
    }


# ---------------------------------------------------------------- servers


async def echo(scope: Any, receive: Any, send_: Any) -> None:
    """The rival: reads the body and says 202."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    headers = [(b"content-type", b"application/json"), (b"content-length", b"2")]
    await send_({"type": "http.response.start", "status": 202, "headers": headers})
    await send_({"type": "http.response.body", "body": b"{}"})


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def procfile_line() -> str:
    """How bin/run starts the web server."""
    for line in (ROOT / "bin" / "Procfile").read_text().splitlines():
        if line.startswith("web:"):
            return line.partition(":")[2].strip()
    raise SystemExit("bin/Procfile has no web process")


def start_server(application: str = "") -> tuple[subprocess.Popen[bytes], int]:
    port = free_port()
    words = procfile_line().replace("$HOST", "127.0.0.1").replace("$PORT", str(port)).replace('"', "").split()
    words[0] = sys.executable
    if application:
        words = [application if word == "commandcenter.asgi:application" else word for word in words]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(words, cwd=ROOT, env=env)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return process, port
        time.sleep(0.1)
    raise SystemExit("the server does not start")


def stop(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGINT)
    process.wait(20)


def cpu_of(pid: int) -> float:
    """Processor time of a process so far, seconds."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


# ---------------------------------------------------------------- the parts


def fold(seconds: float) -> None:
    """The worker's part: once a second, as the timetable has it, until asked to end; then the rest."""
    from django.conf import settings

    from city.bench import make_cells
    from city.locate import Locator
    from datahub import services
    from datahub.models import Delivery
    from datahub.services import moves, working

    cells = Locator(*make_cells())
    cells.locate_indices([121.0], [32.0])
    working.locator = lambda: cells  # type: ignore[attr-defined]
    moves.home_area = lambda dataset: ""
    assert settings.LAKE_URL
    print("ready", flush=True)
    ended: list[bool] = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
    rows, busy, cpu = 0, 0.0, time.process_time()
    until = time.monotonic() + seconds + 120
    while time.monotonic() < until:
        began = time.monotonic()
        done = services.fold_blobs()
        took = time.monotonic() - began
        rows, busy = rows + done, busy + (took if done else 0)
        if ended and not done:
            break
        time.sleep(max(0.0, 1.0 - took))
    found = {
        "rows": rows,
        "busy_s": round(busy, 2),
        "cpu_s": round(time.process_time() - cpu, 2),
        "deliveries": Delivery.objects.filter(dataset__code=CODE).count(),
    }
    print(json.dumps(found), flush=True)


def watch(port: int, token: str, seconds: float) -> None:
    """Push a marked reading every half second, and ask the lake until it is there."""
    from datahub import selectors

    async def push_one(name: str) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        row = {
            "device": name,
            "at": datetime.now(UTC).isoformat(),
            "lon": 121.0,
            "lat": 32.0,
            "speed": 1,
            "level": 1,
        }
        await _request(reader, writer, f"/api/push/v1/{CODE}/rows", token, json.dumps(row).encode(), name)
        writer.close()

    print("ready", flush=True)
    sys.stdin.readline()
    until, delays, n = time.monotonic() + seconds, [], 0
    while time.monotonic() < until:
        n += 1
        name = f"W{os.getpid()}-{n}"
        began = time.monotonic()
        asyncio.run(push_one(name))
        while time.monotonic() - began < 60:
            table = selectors.engine().table(CODE)
            if (
                selectors.engine()
                .to_arrow(table.filter(table["device"] == name).count().as_table())[0][0]
                .as_py()
            ):
                break
            time.sleep(0.05)
        delays.append(time.monotonic() - began)
        time.sleep(max(0.0, 0.5 - delays[-1]))
    print(json.dumps(delays), flush=True)


def part(name: str, *words: str) -> "subprocess.Popen[str]":
    command = [
        sys.executable,
        str(ROOT / "bin" / "bench.py"),
        "datahub.bench.push:main",
        "--part",
        name,
        *words,
    ]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    if process.stdout.readline().strip() != "ready":
        raise SystemExit(f"{name} does not start")
    return process


def said(process: "subprocess.Popen[str]") -> Any:
    out, _err = process.communicate(timeout=180)
    return json.loads(out.splitlines()[-1])


# ---------------------------------------------------------------- the whole


def spec() -> Any:
    from .ingest import spec as readings

    return readings(CODE).model_copy(update={"lateness_limit": timedelta(days=1), "key_columns": ()})


def _token() -> str:
    from datahub.models import Dataset
    from datahub.push.models import PushKey
    from datahub.push.services import hash_of
    from datahub.push.services.keys import MOST_ROWS_PER_MINUTE
    from datahub.services import save_dataset

    save_dataset(spec())
    token = f"ccp_bench_{os.urandom(8).hex()}"
    key = PushKey.objects.create(
        name="bench", org_code="bench", token_hash=hash_of(token), token_hint=token[-4:],
        rows_per_minute=MOST_ROWS_PER_MINUTE, since=datetime.now(UTC),
    )  # fmt: skip
    key.datasets.set(Dataset.objects.filter(code=CODE))
    return token


def bare_insert(connections: int, seconds: float) -> dict[str, Any]:
    """The same bytes into a table with a key, one INSERT a batch: what durable costs at least."""
    from concurrent.futures import ThreadPoolExecutor

    import psycopg2
    from django.conf import settings
    from django.db import connection

    at = settings.DATABASES["default"]
    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        durable = cursor.fetchone()[0]
        cursor.execute("SHOW fsync")
        durable += f", fsync {cursor.fetchone()[0]}"
    owner = settings.DATABASE_OWNER
    where = {"host": at["HOST"], "port": at["PORT"], "dbname": at["NAME"]}
    with (
        psycopg2.connect(user=owner["USER"], password=owner["PASSWORD"], **where) as link,
        link.cursor() as cursor,
    ):
        cursor.execute("CREATE TABLE IF NOT EXISTS bench_push (id bigserial PRIMARY KEY, body bytea)")

    def one(n: int) -> list[float]:
        link = psycopg2.connect(user=owner["USER"], password=owner["PASSWORD"], **where)
        link.autocommit = True
        mine, times = bodies(n), list[float]()
        until = time.monotonic() + seconds
        with link.cursor() as cursor:
            while time.monotonic() < until:
                began = time.monotonic()
                cursor.execute("INSERT INTO bench_push (body) VALUES (%s)", [mine[len(times) % len(mine)]])
                times.append((time.monotonic() - began) * 1_000)
        link.close()
        return times

    with ThreadPoolExecutor(connections) as pool:
        times = sorted(ms for part in pool.map(one, range(connections)) for ms in part)
    with (
        psycopg2.connect(user=owner["USER"], password=owner["PASSWORD"], **where) as link,
        link.cursor() as cursor,
    ):
        cursor.execute("DROP TABLE bench_push")
    return {
        "rows_s": round(len(times) * ROWS / seconds),
        "p95_ms": round(times[int(len(times) * 0.95)], 1),
        "durable": durable,
    }


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="bin/bench push", description=__doc__)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--rate", type=int, default=0)
    parser.add_argument("--part", choices=("fold", "watch"))
    parser.add_argument("rest", nargs="*")
    options = parser.parse_args(argv)
    if options.part == "fold":
        fold(float(options.rest[0]))
        return 0
    if options.part == "watch":
        watch(int(options.rest[0]), options.rest[1], float(options.rest[2]))
        return 0
    return compare(options)


def compare(options: argparse.Namespace) -> int:
    from datahub import selectors
    from datahub.models import DeliveryBlob

    token = _token()
    path = f"/api/push/v1/{CODE}/rows"
    short = max(4.0, options.seconds / 4)
    bare = bare_insert(options.connections, short)
    server, port = start_server("datahub.bench.push:echo")
    empty = send(port, path, token, connections=options.connections, seconds=short)
    stop(server)
    server, port = start_server()
    folder = part("fold", str(options.seconds))
    watcher = part("watch", str(port), token, str(options.seconds))
    send(port, path, token, connections=options.connections, seconds=2)  # everything is loaded
    sent = DeliveryBlob.objects.count()
    cpu = cpu_of(server.pid)
    assert watcher.stdin is not None
    watcher.stdin.write("go\n")
    watcher.stdin.flush()
    ours = send(
        port, path, token, connections=options.connections, seconds=options.seconds, rate=options.rate
    )
    cpu = cpu_of(server.pid) - cpu
    left = DeliveryBlob.objects.filter(size__gt=0).count()
    delays = said(watcher)
    folder.send_signal(signal.SIGTERM)
    folded = said(folder)
    stop(server)
    acknowledged = sum(DeliveryBlob.objects.values_list("rows", flat=True))
    there = selectors.engine().to_arrow(selectors.engine().table(CODE).count().as_table())[0][0].as_py()
    print(f"waiting after the load {left} batches (before it {sent})")
    print(f"acknowledged {acknowledged:,}, in the lake {there:,}")
    for name, one in (("insert", bare), ("echo", empty), ("ours", ours), ("folded", folded)):
        print(f"{name:8}{one}")
    print(f"queryable after {[round(delay, 2) for delay in delays]} s")
    result = {
        "bench": "push",
        "rows_per_s": ours["rows_s"],
        "target_rows_per_s": LIMIT_ROWS_S,
        "p50_ms": ours["p50_ms"],
        "p95_ms": ours["p95_ms"],
        "target_p95_ms": LIMIT_P95_MS,
        "refused": ours["refused"],
        "queryable_median_s": round(statistics.median(delays), 2),
        "queryable_worst_s": round(max(delays), 2),
        "target_queryable_s": LIMIT_DELAY_S,
        "server_cpu_ms_per_batch": round(cpu * 1_000 / max(ours["batches"], 1), 2),
        "fold_rows_per_s": round(folded["rows"] / folded["busy_s"]) if folded["busy_s"] else 0,
        "fold_rows_per_cpu_s": round(folded["rows"] / folded["cpu_s"]) if folded["cpu_s"] else 0,
        "ratio_to_insert": round(ours["rows_s"] / bare["rows_s"], 3),
        "insert_rows_per_s": bare["rows_s"],
        "ratio_to_echo": round(ours["rows_s"] / empty["rows_s"], 3),
        "echo_rows_per_s": empty["rows_s"],
        "every_row_once": there == acknowledged,
        "load": [round(n, 1) for n in os.getloadavg()],
    }
    print(json.dumps(result))
    return 0 if there == acknowledged else 1
