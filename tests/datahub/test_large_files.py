"""What makes large files quick must not change what is found in them."""

import os
import time
from datetime import timedelta
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datahub import selectors
from datahub.checks import keys
from datahub.checks.keys import SeenKeys, key_hashes
from datahub.checks.reading import open_as
from datahub.lake import staging
from datahub.lake.encoding import SAMPLED, writer_options
from datahub.lake.upkeep import row_groups
from datahub.services import deliver, digests, working
from tests.factories.datahub import READINGS

key = st.tuples(st.integers(0, 5), st.integers(0, 60))


@given(st.lists(st.lists(key, min_size=1, max_size=40), max_size=10), st.booleans())
def test_keys_are_compared_where_times_overlap_and_none_is_missed(batches, in_order):
    """With slots so few that most keys share one, and in files ordered by time as well as in others."""
    bits, keys.SLOT_BITS = keys.SLOT_BITS, 4
    try:
        if in_order:
            flat = sorted((pair for batch in batches for pair in batch), key=lambda pair: pair[1])
            batches = [flat[n : n + 7] for n in range(0, len(flat), 7)]
        seen, known = SeenKeys(), set()
        for batch in batches:
            times = np.array([at for _, at in batch])
            hashes = key_hashes([pa.array([who for who, _ in batch]), pa.array(times)])
            got = seen.repeated(hashes, span=(int(times.min()), int(times.max())), times=times)
            wanted = []
            for pair in batch:
                wanted.append(pair in known)
                known.add(pair)
            assert (got.tolist() if got is not None else [False] * len(batch)) == wanted
    finally:
        keys.SLOT_BITS = bits


def test_a_file_without_order_uses_slots_and_finds_the_one_repeated_key():
    rng = np.random.default_rng(5)
    hashes = rng.integers(0, 2**63, 40_000, dtype=np.uint64)
    seen = SeenKeys()
    for n in range(0, 40_000, 1_000):
        assert seen.repeated(hashes[n : n + 1_000]) is None
    assert seen._slots is not None
    again = np.append(rng.integers(2**63, 2**64, 999, dtype=np.uint64), hashes[1_234])
    assert np.flatnonzero(seen.repeated(again)).tolist() == [999]


@pytest.fixture
def old_file(tmp_path):
    """Written long enough ago for its times to be trusted; only waiting can make a file's change old."""
    path = tmp_path / "a.csv"
    path.write_text("one")
    return path


def test_a_file_that_changes_behind_its_times_has_another_digest(old_file, monkeypatch):
    monkeypatch.setattr(digests, "SETTLED_NS", 0)
    time.sleep(0.02)
    before, first = os.stat(old_file), digests.digest_of(old_file)
    assert str(old_file) in digests._digests
    assert digests.digest_of(old_file) == first
    time.sleep(0.02)
    old_file.write_text("two")
    os.utime(old_file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert digests.digest_of(old_file) != first


def test_a_file_written_just_now_is_read_again(tmp_path):
    path = tmp_path / "b.csv"
    path.write_text("one")
    first = digests.digest_of(path)
    assert str(path) not in digests._digests
    path.write_text("two")
    assert digests.digest_of(path) != first


def test_numbers_that_come_again_are_written_as_words_and_read_back_the_same(tmp_path):
    n = SAMPLED * 2
    rng = np.random.default_rng(3)
    table = pa.table(
        {
            "speed": rng.integers(0, 99, n) / 10,
            "lon": rng.uniform(120, 121, n),
            "few": pa.nulls(n, pa.float64()),
        }
    )
    options = writer_options(table.schema, table)
    assert options["use_dictionary"] == ["speed", "few"]
    pq.write_table(table, tmp_path / "t.parquet", **options)
    assert pq.read_table(tmp_path / "t.parquet").equals(table)
    assert writer_options(table.schema, table.slice(0, 10))["use_dictionary"] == []


def test_short_pieces_become_one_row_group():
    pieces = [pa.table({"n": list(range(k))}) for k in (1, 24, 3)]
    assert [table.num_rows for table in row_groups(iter(pieces))] == [28]
    assert list(row_groups(iter([]))) == []


@pytest.mark.django_db
def test_rows_in_no_order_over_many_days_hold_no_more_memory_than_their_own(
    readings, noon, tmp_path, monkeypatch
):
    """Batches cut into days: a few rows that wait must not keep the batches they came in."""
    monkeypatch.setattr(staging, "SHARED_ROWS", 4_000)
    monkeypatch.setattr(working, "open_as", partial(open_as, block_bytes=60_000))
    held = []
    let_go = staging.Stager._let_go

    def watched(self):
        let_go(self)
        held.append((sum(self._buffered.values()), [p.nbytes for ps in self._buffers.values() for p in ps]))

    monkeypatch.setattr(staging.Stager, "_let_go", watched)
    rng = np.random.default_rng(1)
    total = 12_000
    lines = [
        f"s{n % 7},{(noon - timedelta(minutes=int(back))).isoformat()},{n % 900},1,120.9,32.0"
        for n, back in enumerate(rng.permutation(total) * 3)
    ]
    path = tmp_path / "mixed.csv"
    path.write_text("\n".join(["station,at,value,count,lon,lat", *lines]))
    delivery = deliver(dataset_code=READINGS.code, path=path, history=True)
    assert (delivery.state, delivery.rows_committed) == ("committed", total)
    assert len(held) >= 2
    for rows_waiting, sizes in held:
        assert sum(sizes) < rows_waiting * 200  # bytes a row
    found = selectors.read(READINGS.code)
    assert sorted(found.column("_row").to_pylist()) == list(range(1, total + 1))
    by_row = dict(zip(found.column("_row").to_pylist(), found.column("value").to_pylist(), strict=True))
    assert all(by_row[n + 1] == n % 900 for n in range(total))
