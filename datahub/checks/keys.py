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
    return values.astype(np.int64, copy=False).view(np.uint64) if values.dtype != np.float64 else values.view(np.uint64)


class SeenKeys:
    """Keys of the rows so far, in sorted runs that merge as they grow."""

    def __init__(self) -> None:
        self._runs: list[np.ndarray] = []

    def repeated(self, hashes: np.ndarray) -> np.ndarray | None:
        """Which of these rows repeat an earlier one, of this batch or before; None when none does."""
        fresh = np.sort(hashes)
        inside = bool((fresh[1:] == fresh[:-1]).any())
        before = np.zeros(len(hashes), dtype=bool)
        for run in self._runs:
            if fresh[-1] < run[0] or fresh[0] > run[-1]:
                continue
            place = np.searchsorted(run, fresh)
            place[place == len(run)] = 0
            hits = fresh[run[place] == fresh]
            if len(hits):
                before |= np.isin(hashes, hits)
        if inside:
            first = np.zeros(len(hashes), dtype=bool)
            first[np.unique(hashes, return_index=True)[1]] = True
            before |= ~first
            fresh = np.unique(fresh)
        self._add(fresh)
        return before if before.any() else None

    def _add(self, run: np.ndarray) -> None:
        while self._runs and len(self._runs[-1]) <= 2 * len(run):
            run = np.sort(np.concatenate([self._runs.pop(), run]), kind="stable")
        self._runs.append(run)
