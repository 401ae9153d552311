"""The code of a camera: twenty digits after GB/T 28181, annex of the device codes.

Digits 1–8 the centre (the first two a province), 9–10 the trade, 11–13 the type, 14 the network, 15–20 a
serial number. Types 111–130 are recorders and encoders, 131–199 cameras and other things at the edge;
from 200 on it is a platform, a user or a folder, which is no device.
"""

import re

PROVINCES = frozenset(
    [
        "11",
        "12",
        "13",
        "14",
        "15",
        "21",
        "22",
        "23",
        "31",
        "32",
        "33",
        "34",
        "35",
        "36",
        "37",
        "41",
        "42",
        "43",
        "44",
        "45",
        "46",
        "50",
        "51",
        "52",
        "53",
        "54",
        "61",
        "62",
        "63",
        "64",
        "65",
        "71",
        "81",
        "82",
    ]
)
FREE_CODE = re.compile(r"^[0-9A-Za-z][0-9A-Za-z_.:\-]{0,39}$")


def camera_code_fault(code: str) -> str:
    """'' for a code that a camera may have; else the reason it may not."""
    if len(code) != 20 or not (code.isascii() and code.isdigit()):
        return "not_20_digits"
    if code[:2] not in PROVINCES:
        return "no_such_province"
    if not "111" <= code[10:13] <= "199":
        return "not_a_device_type"
    return ""


def code_fault(kind: str, code: str) -> str:
    """'' for a code that a device of this kind may have."""
    if kind == "camera":
        return camera_code_fault(code)
    return "" if FREE_CODE.match(code) else "bad_code"
