"""A whole second platform for a test: its own database, lake, media and web process on loopback.

It is this checkout under another CC_TEST_SUFFIX, so its settings give it folders and a database of
its own. Scripts run in it as short-lived processes; `sync` is the real command.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from psycopg2 import sql

from tests.support.database import drop, owner_cursor, state_of_migrations
from tests.support.live import free_port

ROOT = Path(__file__).resolve().parent.parent.parent.parent
# A process of the instance that runs steps for the test, one line of JSON each way.
HELPER = """
import django, json, sys
django.setup()
from tests.datahub.cascade import steps
out, sys.stdout = sys.stdout, sys.stderr
for line in sys.stdin:
    step, values = json.loads(line)
    out.write(json.dumps(getattr(steps, step)(**values)) + "\\n")
    out.flush()
"""


@dataclass
class Instance:
    name: str
    folder: Path
    port: int = field(default_factory=free_port)
    web: subprocess.Popen[bytes] | None = None
    helper: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def database(self) -> str:
        return f"cctest_{self.name}_{settings.SLOT}"

    def environment(self, **more: str) -> dict[str, str]:
        env = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "commandcenter.settings.test",
            "CC_TEST_SUFFIX": self.name,
            "CC_OUTBOUND_ALLOW": "127.0.0.1",
            **more,
        }
        env.pop("DJANGO_ALLOW_ASYNC_UNSAFE", None)
        return env

    def create(self) -> None:
        with owner_cursor("postgres") as cursor:
            drop(cursor, self.database)
            cursor.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                    sql.Identifier(self.database), sql.Identifier(f"cctpl_{state_of_migrations()}")
                )
            )
        for part in ("lake", "media", "anchors"):
            path = settings.TEST_DIR / self.database / part
            subprocess.run(["rm", "-rf", str(path)], check=True)
            path.mkdir(parents=True)

    def start(self) -> None:
        command = [
            sys.executable, "-m", "uvicorn", "commandcenter.asgi:application", "--host", "127.0.0.1",
            "--port", str(self.port), "--lifespan", "off", "--no-access-log",
        ]  # fmt: skip
        log = (self.folder / f"{self.name}.log").open("ab")
        self.web = subprocess.Popen(
            command, cwd=ROOT, env=self.environment(), stdout=log, stderr=log, start_new_session=True
        )
        log.close()
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                with urllib.request.urlopen(f"{self.url}/healthz", timeout=5):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        raise AssertionError((self.folder / f"{self.name}.log").read_text()[-3000:])

    def stop(self) -> None:
        if self.web is not None:
            os.killpg(self.web.pid, signal.SIGKILL)
            self.web.wait()
            self.web = None

    def destroy(self) -> None:
        self.stop()
        if self.helper is not None:
            self.helper.kill()
            self.helper.wait()
        with owner_cursor("postgres") as cursor:
            drop(cursor, self.database)

    def do(self, step: str, **values: Any) -> Any:
        """Run a function of `steps` in this instance; its answer comes back as JSON."""
        if self.helper is None:
            log = (self.folder / f"{self.name}-helper.log").open("a")
            self.helper = subprocess.Popen(
                [sys.executable, "-u", "-c", HELPER],
                cwd=ROOT, env=self.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                text=True, start_new_session=True,
            )  # fmt: skip
            log.close()
        assert self.helper.stdin is not None
        assert self.helper.stdout is not None
        self.helper.stdin.write(json.dumps([step, values]) + "\n")
        self.helper.stdin.flush()
        answer = self.helper.stdout.readline()
        assert answer, (self.folder / f"{self.name}-helper.log").read_text()[-3000:]
        return json.loads(answer)

    def sync(self, peer: str, *, rows: int, die_at: str = "", kill_after: float | None = None) -> int:
        """The command in a process of its own; dies at a step or after some seconds. Its exit code."""
        process = subprocess.Popen(
            [sys.executable, "manage.py", "cascade_sync", peer, "--rows", str(rows)],
            cwd=ROOT, env=self.environment(CC_DATAHUB_DIE_AT=die_at), stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        try:
            _out, errors = process.communicate(timeout=kill_after or 180)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            _out, errors = process.communicate()
        if process.returncode not in (0, -signal.SIGKILL):
            raise AssertionError(errors.decode()[-3000:])
        return process.returncode
