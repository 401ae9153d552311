"""The city running for real: uvicorn, the journal loop and a Celery worker on this worker's database."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connections

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass
class LiveCity:
    url: str
    port: int
    folder: Path
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str) -> None:
        """Start (again) the process of that name: web, journal or worker."""
        python = sys.executable
        commands = {
            "web": [python, "-m", "uvicorn", "commandcenter.asgi:application", "--host", "127.0.0.1",
                    "--port", str(self.port), "--lifespan", "off", "--no-access-log"],
            "journal": [python, "manage.py", "run_journal"],
            "worker": [python, "-m", "celery", "-A", "commandcenter", "worker", "-P", "threads", "-c", "2",
                       "-Q", "default,lake", "-l", "warning", "--without-gossip", "--without-mingle"],
        }  # fmt: skip
        log = (self.folder / f"{name}.log").open("ab")
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "commandcenter.settings.test",
            "CC_TASKS_EAGER": "0",
        }
        environment.pop("DJANGO_ALLOW_ASYNC_UNSAFE", None)  # the browser's own, see browser.py
        self.processes[name] = subprocess.Popen(
            commands[name], cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        log.close()

    def kill(self, name: str) -> None:
        """The process dies at once, as in a power cut."""
        process = self.processes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        for process in self.processes.values():
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
        for process in self.processes.values():
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self.processes.clear()

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def wait_until_up(self, seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for name, process in self.processes.items():
                if process.poll() is not None:
                    pytest.fail(f"{name} ended with {process.returncode}:\n{self.log(name)[-3000:]}")
            try:
                with urllib.request.urlopen(f"{self.url}/healthz", timeout=5):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        pytest.fail(f"the web server did not answer:\n{self.log('web')[-3000:]}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


_started: list[LiveCity] = []


@pytest.fixture(autouse=True)
def quiet_city(request):
    """The city's journal does not work behind the back of a test that did not ask for it: it wants to see
    things undone. (xdist starts with the largest group, so ordinary tests follow the live ones there.)"""
    if "live_city" not in request.fixturenames:
        for city in _started:
            city.stop()


@pytest.fixture(scope="session")
def _running_city(django_db_setup, tmp_path_factory) -> Iterator[LiveCity]:
    port = free_port()
    city = LiveCity(url=f"http://127.0.0.1:{port}", port=port, folder=tmp_path_factory.mktemp("live"))
    for path in (settings.LAKE_URL, settings.MEDIA_ROOT, settings.ANCHOR_DIR):
        Path(path).mkdir(parents=True, exist_ok=True)
    _started.append(city)
    yield city
    city.stop()


@pytest.fixture
def live_city(transactional_db, _running_city: LiveCity) -> Iterator[LiveCity]:
    """The running city; its database is emptied after each test. Data that a test makes is committed.

    Tasks that this process sends go to the real worker.
    """
    from commandcenter.celery import app

    for name in ("web", "journal", "worker"):
        if name not in _running_city.processes:
            _running_city.start(name)
    _running_city.wait_until_up()
    eager, app.conf.task_always_eager = app.conf.task_always_eager, False
    # The database was emptied after the last test; a lake that kept its tables would know deliveries
    # whose numbers come again.
    shutil.rmtree(settings.LAKE_URL, ignore_errors=True)
    Path(settings.LAKE_URL).mkdir(parents=True)
    yield _running_city
    app.conf.task_always_eager = eager
    connections.close_all()
