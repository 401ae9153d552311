"""bin/ with its own var folder, hence its own secrets, PostgreSQL and Redis."""

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


class House:
    def __init__(self, var: Path) -> None:
        self.var = var
        keep = {
            k: v for k, v in os.environ.items() if not k.startswith(("CC_", "DJANGO_", "PYTEST_", "DEMO"))
        }
        self.environment = {**keep, "CC_VAR": str(var)}

    def run(self, command: str, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [ROOT / "bin" / command, *arguments],
            env={**self.environment, **more},
            capture_output=True,
            text=True,
            timeout=300,
            stdin=subprocess.DEVNULL,
        )

    def sockets(self) -> dict[str, Path]:
        lines = self.run("services", "status").stdout.splitlines()
        return {line.split()[0]: Path(line.split()[2]) for line in lines}

    def remove(self) -> None:
        """Stop, and clear what may lie outside the folder (see place_services in bin/lib.sh)."""
        self.run("services", "stop")
        home = self.sockets()["postgres"]
        if home.is_relative_to("/var/lib/commandcenter"):
            shutil.rmtree(home.parent)
