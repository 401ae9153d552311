"""Memory does not grow with the file: a large one is read in a process of its own, whose peak is looked at."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from .files import written

ROOT = Path(__file__).resolve().parents[3]
READ = """
import json, resource, sys
sys.path.insert(0, {root!r})
import django
from django.conf import settings
settings.configure(USE_I18N=False)
django.setup()
from datahub.faults import Refusal
from datahub.formats.opening import open_source
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
rows = faults = 0
code = ""
try:
    source = open_source({path!r})
    for piece in source.pieces():
        block = source.parse(piece)
        rows, faults = rows + block.rows, faults + len(block.faults)
except Refusal as refusal:
    code = refusal.code
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([rows, faults, str(code), (after - before) // 1024]))
"""


def measured(path):
    script = READ.format(root=str(ROOT), path=str(path))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300)  # noqa: S603
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


FEATURE = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [120.5, 32.0]},
           "properties": {"name": "n" * 300}}  # fmt: skip
CASES = [
    pytest.param(b"[", json.dumps({"a": 1, "b": "x" * 400}).encode() + b",", b'{"a": 2}]', id="json array"),
    pytest.param(b'{"type":"FeatureCollection","features":[', json.dumps(FEATURE).encode() + b",",
                 json.dumps(FEATURE).encode() + b"]}", id="geojson"),
    pytest.param(b"a,b\n", b'1,"never closed\n', b"", id="quotes never closed"),
    pytest.param(b"a,b\n", b"1,2,3\n", b"", id="only rows too long"),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("head", "row", "tail"), CASES)
def test_a_large_file_costs_no_more_memory_than_a_block(tmp_path, head, row, tail):
    times = 60_000_000 // len(row)
    path = written(tmp_path, b"")
    with path.open("wb") as file:
        file.write(head)
        for _ in range(times // 1_000):
            file.write(row * 1_000)
        file.write(tail)
    rows, _faults, _code, mib = measured(path)
    assert rows > 1_000
    assert mib < 700, f"{mib} MiB for a file of {path.stat().st_size // 2**20} MiB"
