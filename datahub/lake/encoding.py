"""How rows are written down: which columns as words, which as differences, which plain."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

SAMPLED = 8_192
NO_STATISTICS = {"_area", "_cell", "_generation", "_live"}


def writer_options(schema: pa.Schema, first: pa.Table | None = None) -> dict[str, Any]:
    """Words in dictionaries, counters as differences, measured values plain.

    first: rows of the file. A measured value that comes again and again, as speeds with one decimal do,
    is smaller and sooner written as a word.
    """
    words = [
        f.name
        for f in schema
        if pa.types.is_string(f.type) or f.name in ("_delivery", "_known_from", "_generation")
    ]
    if first is not None and first.num_rows >= SAMPLED:
        words += [
            f.name for f in schema if pa.types.is_floating(f.type) and _comes_again(first.column(f.name))
        ]
    counters = {
        f.name: "DELTA_BINARY_PACKED"
        for f in schema
        if f.name not in words and (pa.types.is_timestamp(f.type) or pa.types.is_integer(f.type))
    }
    return {
        "compression": "zstd",
        "compression_level": 1,
        "use_dictionary": words,
        "column_encoding": counters,
        "write_statistics": [name for name in schema.names if name not in NO_STATISTICS],
        "store_schema": False,  # dictionaries here are our way of writing, not part of the type
    }


def _comes_again(column: pa.ChunkedArray) -> bool:
    return len(pc.unique(column.slice(0, SAMPLED))) * 4 < SAMPLED


def dictionary(words: list[str]) -> tuple[pa.Array, np.ndarray]:
    """Each word once, and where each of the given ones stands."""
    places = {word: n for n, word in enumerate(dict.fromkeys(words))}
    return pa.array(list(places), pa.string()), np.array([places[word] for word in words], dtype=np.int32)
