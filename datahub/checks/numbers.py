"""Check digits of the two national codes, a whole column at once.

GB 11643-1999, citizen identity number: 6 digits of the area, 8 of the birth date, 3 of the sequence and a
check character by ISO 7064 MOD 11-2. GB 32100-2015, unified social credit code: 18 characters of 31, weights
3^i mod 31. Both are written in capitals: a small x is not of the standard's form and fails.
"""

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

LENGTH = 18
ID_FORM = r"^\d{17}[\dX]$"
ID_WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2], dtype=np.int64)
ID_CHECKS = np.frombuffer(b"10X98765432", dtype=np.uint8)
# The first two digits: provinces, municipalities and regions of GB/T 2260, Taiwan, Hong Kong and Macao.
PROVINCES = np.array(
    [11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37, 41, 42, 43, 44, 45, 46]
    + [50, 51, 52, 53, 54, 61, 62, 63, 64, 65, 71, 81, 82, 83]
)
FIRST_YEAR = 1850
MONTH_DAYS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])

CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
CREDIT_FORM = r"^[0-9A-HJ-NPQRTUWXY]{2}\d{6}[0-9A-HJ-NPQRTUWXY]{10}$"
CREDIT_WEIGHTS = np.array([pow(3, n, 31) for n in range(17)], dtype=np.int64)
_VALUE = np.zeros(256, dtype=np.int64)
for _n, _character in enumerate(CREDIT_ALPHABET):
    _VALUE[ord(_character)] = _n


def bad_id_numbers(array: pa.Array, today: date) -> np.ndarray:
    """True where a value is no identity number of somebody born by `today`; null is not judged."""
    bad, at, signs = _of_form(array, ID_FORM)
    if not len(at):
        return bad
    digits = signs[:, :17].astype(np.int64) - ord("0")
    wrong = ID_CHECKS[digits @ ID_WEIGHTS % 11] != signs[:, 17]
    wrong |= ~np.isin(digits[:, 0] * 10 + digits[:, 1], PROVINCES)
    wrong |= ~_possible_dates(digits[:, 6:14], today)
    bad[at] = wrong
    return bad


def _possible_dates(digits: np.ndarray, today: date) -> np.ndarray:
    year = digits[:, :4] @ np.array([1000, 100, 10, 1])
    month = digits[:, 4:6] @ np.array([10, 1])
    day = digits[:, 6:8] @ np.array([10, 1])
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    last = MONTH_DAYS[np.where(month <= 12, month, 0)] + (leap & (month == 2))
    stands = (year >= FIRST_YEAR) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= last)
    born: np.ndarray = year * 10_000 + month * 100 + day
    return stands & (born <= today.year * 10_000 + today.month * 100 + today.day)


def bad_credit_codes(array: pa.Array) -> np.ndarray:
    """True where a value is no unified social credit code; null is not judged."""
    bad, at, signs = _of_form(array, CREDIT_FORM)
    if len(at):
        values = _VALUE[signs]
        bad[at] = (31 - values[:, :17] @ CREDIT_WEIGHTS % 31) % 31 != values[:, 17]
    return bad


def _of_form(array: pa.Array, form: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Who fails by form; the rows that do not, and their characters as bytes, a row each."""
    fits = pc.fill_null(pc.match_substring_regex(array, form), False).to_numpy(zero_copy_only=False)
    bad = array.is_valid().to_numpy(zero_copy_only=False) & ~fits
    at = np.flatnonzero(fits)
    text = "".join(array.take(pa.array(at)).to_pylist()) if len(at) else ""
    return bad, at, np.frombuffer(text.encode("ascii"), dtype=np.uint8).reshape(len(at), LENGTH)


def id_number_check(first17: str) -> str:
    """The check character of the first seventeen digits; for tests and examples."""
    total = sum(int(digit) * int(weight) for digit, weight in zip(first17, ID_WEIGHTS, strict=True))
    return "10X98765432"[total % 11]


def credit_code_check(first17: str) -> str:
    values = (CREDIT_ALPHABET.index(sign) for sign in first17)
    total = sum(value * int(weight) for value, weight in zip(values, CREDIT_WEIGHTS, strict=True))
    return CREDIT_ALPHABET[(31 - total % 31) % 31]
