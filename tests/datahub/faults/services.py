"""A PostgreSQL and a Redis of the test's own, on sockets in its own folder, to be killed at will.

Nothing of the shared services is touched: every process here was started here and is ended by its number.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from django.conf import settings

ROOT = Path(__file__).resolve().parent.parent.parent.parent
NAME = "faults"


def postgres_bin() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name), reverse=True)
    return found[0] if found else None


def postgres_user() -> bool:
    try:
        pwd.getpwnam("postgres")
    except KeyError:
        return False
    return True


def possible() -> bool:
    """PostgreSQL does not run as root; where we are root, its own user must exist."""
    return bool(postgres_bin() and shutil.which("redis-server") and (os.getuid() != 0 or postgres_user()))


class Services:
    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="ccf"))
        self.home.chmod(0o711)
        self.cluster, self.socket = self.home / "pg", self.home / "s"
        self.redis: subprocess.Popen[bytes] | None = None
        for folder in (self.cluster, self.socket):
            folder.mkdir(mode=0o700)
            if os.getuid() == 0:
                shutil.chown(folder, "postgres")
        (self.home / "var").mkdir()

    # ------------------------------------------------------------ PostgreSQL

    def _as_postgres(self, *command: str, **more) -> subprocess.CompletedProcess:
        runner = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        return subprocess.run(
            [*runner, str(postgres_bin() / command[0]), *command[1:]],
            cwd="/", check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60, **more,
        )  # fmt: skip

    def _superuser(self, database: str, *arguments: str, **more) -> None:
        self._as_postgres(
            "psql",
            "-U",
            "postgres",
            "-X",
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
            "-h",
            str(self.socket),
            "-d",
            database,
            *arguments,
            **more,
        )

    def make_cluster(self) -> None:
        """A cluster that holds what the test's database holds: tables, roles, no rows of ours."""
        self._as_postgres(
            "initdb", "-D", str(self.cluster / "data"), "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8",
            "--auth=trust", "--no-sync",
        )  # fmt: skip
        options = (
            f"listen_addresses = ''\nunix_socket_directories = '{self.socket}'\nfsync = off\n"
            "unix_socket_permissions = 0700\nshared_buffers = 32MB\nmax_connections = 40\njit = off\n"
        )
        conf = self.cluster / "data" / "postgresql.conf"
        conf.write_text(conf.read_text() + options)
        self._control("start")
        owner, web = settings.DATABASE_OWNER, settings.DATABASE_WEB
        for role in (owner["USER"], web["USER"]):
            self._superuser("postgres", "-c", f"CREATE ROLE {role} LOGIN CREATEDB")
        self._superuser("postgres", "-c", f"CREATE DATABASE {NAME} OWNER {owner['USER']}")
        self._superuser(NAME, "-c", "ALTER ROLE postgres SET client_min_messages = error")
        with (self.home / "dump.sql").open("wb") as out:
            at = settings.DATABASES["default"]
            subprocess.run(
                [str(postgres_bin() / "pg_dump"), "-h", at["HOST"], "-p", str(at["PORT"] or 5432),
                 "-U", owner["USER"], "--no-comments", at["NAME"]],
                env={**os.environ, "PGPASSWORD": owner["PASSWORD"]}, stdout=out, check=True, timeout=60,
            )  # fmt: skip
        self._superuser(NAME, "-f", "-", stdin=(self.home / "dump.sql").open("rb"))

    def _control(self, action: str, *options: str) -> None:
        log = str(self.cluster / "log")
        self._as_postgres(
            "pg_ctl", "-D", str(self.cluster / "data"), "-w", "-t", "30", "-l", log, *options, action
        )

    def restart_postgres(self) -> None:
        """As after a crash: every connection is cut in the middle of what it did."""
        self._control("restart", "-m", "immediate")

    # ------------------------------------------------------------ Redis

    def start_redis(self) -> None:
        self.redis = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", str(self.home / "redis"), "--save", "", "--dir", str(self.home)],
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        end = time.monotonic() + 10
        while not (self.home / "redis").exists() and time.monotonic() < end:
            time.sleep(0.05)

    def kill_redis(self) -> None:
        if self.redis is not None:
            self.redis.kill()
            self.redis.wait()
            self.redis = None
            (self.home / "redis").unlink(missing_ok=True)

    # ------------------------------------------------------------ ours

    def environment(self, **more: str) -> dict[str, str]:
        at = {
            "CC_VAR": self.home / "var",
            "CC_DATABASE_HOST": self.socket,
            "CC_DATABASE_PORT": "5432",
            "CC_DATABASE_NAME": NAME,
            "CC_REDIS_URL": f"unix://{self.home}/redis?db=0",
            "CC_KEY_PREFIX": NAME,
            "CC_LAKE_URL": self.home / "lake",
            "CC_MEDIA_ROOT": self.home / "media",
            "CC_ANCHOR_DIR": self.home / "anchors",
        }
        return {
            **os.environ,
            **{name: str(value) for name, value in at.items()},
            "DJANGO_SETTINGS_MODULE": "commandcenter.settings.dev",
            **more,
        }

    def stop(self) -> None:
        self.kill_redis()
        with suppress(subprocess.CalledProcessError):  # it may not have started
            self._control("stop", "-m", "immediate")
        shutil.rmtree(self.home, ignore_errors=True)


def end(process: subprocess.Popen) -> None:
    if process.poll() is None:
        os.kill(process.pid, signal.SIGKILL)
    process.wait()
