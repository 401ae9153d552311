"""The values that a register holds, to ask whether others are among them: eight bytes a value."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .guard import token_of
from .keys import key_hashes

MOST_VALUES = 5_000_000  # 40 MB; a larger register is not asked, and the rule counts as not measured


class KnownValues:
    """hidden: the register holds tokens of personal values, so what is asked is turned into tokens first."""

    def __init__(self, values: pa.Array, *, hidden: bool = False) -> None:
        self._type = values.type
        self._hidden = hidden
        self._hashes = np.unique(key_hashes([values.drop_null()])) if len(values) else np.empty(0, np.uint64)

    def __len__(self) -> int:
        return len(self._hashes)

    def strange(self, array: pa.Array) -> np.ndarray:
        """True where a value is not among them; null is not judged."""
        valid: np.ndarray = array.is_valid().to_numpy(zero_copy_only=False)
        if not len(self._hashes):
            return valid
        asked = self._as_held(array)
        hashes = key_hashes([asked])
        place = np.searchsorted(self._hashes, hashes)
        place[place == len(self._hashes)] = 0
        found: np.ndarray = asked.is_valid().to_numpy(zero_copy_only=False) & (self._hashes[place] == hashes)
        return valid & ~found

    def _as_held(self, array: pa.Array) -> pa.Array:
        """In the register's own type; what cannot be that type is null, and so not among them."""
        if self._hidden:
            coded = array.cast(pa.string()).dictionary_encode()
            words = [token_of(word) if word else word for word in coded.dictionary.to_pylist()]
            return pa.DictionaryArray.from_arrays(coded.indices, pa.array(words, pa.string())).cast(
                pa.string()
            )
        if array.type == self._type:
            return array
        if pa.types.is_string(self._type) or not pa.types.is_integer(self._type):
            return array.cast(self._type)
        text = array.cast(pa.string())
        fits = pc.match_substring_regex(text, r"^-?\d{1,18}$")
        return pc.if_else(fits, text, pa.scalar(None, pa.string())).cast(self._type)
