"""Each import contract is proved by breaking it once, in a copy of the sources."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = ["commandcenter", "city", "datahub", "dispatch", "hotline", "grid", "alerts", "dashboards"]


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("house")
    for package in PACKAGES:
        ignore = shutil.ignore_patterns("__pycache__", "*.pyc")
        shutil.copytree(ROOT / package, folder / package, ignore=ignore)
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    return subprocess.run(
        [sys.executable, "-c", code, "--no-cache"], cwd=folder, capture_output=True, text=True
    )


def broken(folder: Path) -> list[str]:
    return re.findall(r"^(.+?) BROKEN", lint_imports(folder).stdout, re.MULTILINE)


def test_the_house_as_it_stands_keeps_every_contract(copy):
    done = lint_imports(copy)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        pytest.param("city/zz_break.py", "import dashboards.models", "Imports go down only", id="up"),
        pytest.param(
            "grid/zz_break.py", "import hotline.services", "Imports go down only", id="to a sibling"
        ),
        pytest.param(
            "commandcenter/core/zz_break.py",
            "import commandcenter.journal.models",
            "Imports go down only",
            id="core knows the journal",
        ),
        pytest.param("dispatch/models.py", "import dispatch.services", "Rooms inside an app", id="rooms"),
        pytest.param(
            "dispatch/zz_break.py",
            "import city.models",
            "Read city through selectors, write through services",
            id="city's models",
        ),
        pytest.param(
            "alerts/zz_break.py",
            "import datahub.models",
            "Read datahub through selectors, write through services",
            id="datahub's models",
        ),
        pytest.param(
            "hotline/zz_break.py",
            "import dispatch.models",
            "Read dispatch through selectors, write through services",
            id="dispatch's models",
        ),
        pytest.param(
            "dashboards/zz_break.py",
            "import hotline.models",
            "Read hotline, grid and alerts through selectors, write through services",
            id="hotline's models",
        ),
        pytest.param("dispatch/zz_break.py", "import channels.layers", "One door to the screens", id="door"),
    ],
)
def test_a_deliberate_break_is_found(copy, module, line, contract):
    path = copy / module
    before = path.read_text() if path.exists() else None
    path.write_text((before or "") + f"\n{line}\n")
    try:
        assert contract in broken(copy)
    finally:
        if before is None:
            path.unlink()
        else:
            path.write_text(before)


@pytest.mark.parametrize(
    "line",
    [
        "from django.dispatch import receiver",
        "from django.db.models.signals import post_save",
        "from channels.layers import get_channel_layer",
    ],
)
def test_ruff_refuses_signals_and_a_second_door(line, tmp_path):
    for place in ("dispatch/zz_break.py", "dashboards/consumers.py"):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", "check", "--stdin-filename", place, "--select", "TID251", "-"],
            cwd=ROOT, input=line + "\n", capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 1, done.stdout
        assert "TID251" in done.stdout
