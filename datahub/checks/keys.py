"""Duplicate keys within a delivery, found while it streams: eight bytes a row, nothing else is kept."""

import numpy as np
import pandas as pd
import pyarrow as pa

_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xBF58476D1CE4E5B9)


def key_hashes(arrays: list[pa.Array]) -> np.ndarray:
    """A 64-bit number for each row's key. Of 20 million keys two differ and meet with odds of 1 in 90,000."""
    total = np.zeros(len(arrays[0]), dtype=np.uint64)
    for array in arrays:
        total *= _SPREAD
        total ^= _column_hashes(array)
        total ^= total >> np.uint64(29)
        total *= _MIX
        total ^= total >> np.uint64(32)
    return total


def _column_hashes(array: pa.Array) -> np.ndarray:
    if pa.types.is_string(array.type):
        coded = array.dictionary_encode()
        words = pd.util.hash_array(coded.dictionary.to_numpy(zero_copy_only=False), categorize=False)
        words = np.append(words, np.uint64(0))
        codes = coded.indices.fill_null(len(words) - 1).to_numpy(zero_copy_only=False)
        return words[codes]
    if pa.types.is_timestamp(array.type):
        array = array.view(pa.int64())
    elif pa.types.is_date(array.type):
        array = array.cast(pa.int32()).cast(pa.int64())
    elif pa.types.is_boolean(array.type):
        array = array.cast(pa.int64())
    values = array.fill_null(0).to_numpy(zero_copy_only=False)
    return (
        values.astype(np.int64, copy=False).view(np.uint64)
        if values.dtype != np.float64
        else values.view(np.uint64)
    )


Span = tuple[int, int]
EVER: Span = (-(2**63), 2**63 - 1)
MOST_RUNS = 4
FEW = 8  # a run that meets less than this share of a batch is compared with those rows alone
SLOT_BITS = 26  # 64 MiB, taken only by files in no order of time


class SeenKeys:
    """Keys of the rows so far, in sorted runs.

    Where the time is part of the key, a run knows its span of time: a batch is compared with those runs
    only that it overlaps, and only those of its rows that lie in the overlap; for a file in order of time
    that is hardly any. Runs that overlap are merged. Once whole batches have to be compared, a table of
    slots says of most keys that they are new, at one look.
    """

    def __init__(self) -> None:
        self._runs: list[tuple[np.ndarray, Span]] = []
        self._slots: np.ndarray | None = None

    def repeated(
        self,
        hashes: np.ndarray,
        in_order: np.ndarray | None = None,
        span: Span = EVER,
        times: np.ndarray | None = None,
    ) -> np.ndarray | None:
        """Which of these rows repeat an earlier one, of this batch or before; None when none does.

        in_order: the same numbers sorted, where somebody had the time already.
        times: of the rows, where the time is part of the key.
        """
        fresh = np.sort(hashes) if in_order is None else in_order
        inside = bool((fresh[1:] == fresh[:-1]).any())
        found = np.zeros(len(hashes), dtype=bool)
        perhaps: np.ndarray | None = None
        for run, (low, high) in self._runs:
            if span[0] > high or span[1] < low or fresh[-1] < run[0] or fresh[0] > run[-1]:
                continue
            asked = None
            if times is not None and (span[0] < low or span[1] > high):
                within = (times >= low) & (times <= high)
                if np.count_nonzero(within) * FEW < len(hashes):
                    asked = np.sort(hashes[within])
            if asked is None:
                if perhaps is None:
                    perhaps = self._known_slots(fresh)
                asked = perhaps
            if not len(asked):
                continue
            place = np.searchsorted(run, asked)
            place[place == len(run)] = 0
            hits = asked[run[place] == asked]
            if len(hits):
                found |= np.isin(hashes, hits)
        if inside:
            first = np.zeros(len(hashes), dtype=bool)
            first[np.unique(hashes, return_index=True)[1]] = True
            found |= ~first
            fresh = np.unique(fresh)
        if self._slots is not None:
            self._slots[fresh >> np.uint64(64 - SLOT_BITS)] = True
        self._add(fresh, span)
        return found if found.any() else None

    def _known_slots(self, fresh: np.ndarray) -> np.ndarray:
        """Those of the keys whose slot is taken: all that were here before, and a few that were not."""
        if sum(len(run) for run, _ in self._runs) < len(fresh) * MOST_RUNS and self._slots is None:
            return fresh
        if self._slots is None:
            self._slots = np.zeros(1 << SLOT_BITS, dtype=bool)
            for run, _ in self._runs:
                self._slots[run >> np.uint64(64 - SLOT_BITS)] = True
        return fresh[self._slots[fresh >> np.uint64(64 - SLOT_BITS)]]

    def _add(self, run: np.ndarray, span: Span) -> None:
        self._runs.append((run, span))
        over = [n for n, (_, (low, high)) in enumerate(self._runs) if span[0] <= high and span[1] >= low]
        if len(over) <= MOST_RUNS:
            return
        # The smaller ones, so that a row is not copied at each merge.
        over.sort(key=lambda n: len(self._runs[n][0]))
        chosen = [self._runs[n] for n in over[:MOST_RUNS]]
        self._runs = [one for n, one in enumerate(self._runs) if n not in over[:MOST_RUNS]]
        span = (min(s[0] for _, s in chosen), max(s[1] for _, s in chosen))
        merged = np.concatenate([one for one, _ in chosen])
        del chosen
        merged.sort(kind="stable")  # in place: the keys of a large file are its largest piece of memory
        self._runs.append((merged, span))
