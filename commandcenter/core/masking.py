"""Personal values as those see them who need not know them.

Source: practice collected for the platform (phone 3 + 4, identity number first 6 and last 4,
name keeps the surname, address to the street); configurable by replacing these functions.
"""

import re

_PHONE = re.compile(r"(?<!\d)(?:\+?86[- ]?)?(1[3-9]\d)[- ]?(\d{4})[- ]?(\d{4})(?!\d)")
_LANDLINE = re.compile(r"(?<!\d)(0\d{2,3})[- ]?(\d{3,4})(\d{4})(?!\d)")
_IDENTITY = re.compile(r"(?<![0-9A-Za-z])(\d{6})(\d{8})(\d{3}[0-9Xx])(?![0-9A-Za-z])")
_COMPOUND = ("欧阳", "司马", "上官", "诸葛", "东方", "皇甫", "尉迟", "公孙", "慕容", "令狐", "司徒", "夏侯")
_HOUSE = re.compile(r"^(.*?(?:路|街|道|巷|弄|小区|花园|新村|苑|村))")


def mask_phone(value: str) -> str:
    """138****8000; anything that is not a phone number keeps its last two digits only."""
    digits = re.sub(r"\D", "", value)
    if len(digits) == 13 and digits.startswith("86"):
        digits = digits[2:]
    if len(digits) == 11 and digits[0] == "1":
        return f"{digits[:3]}****{digits[-4:]}"
    return "*" * max(len(digits) - 2, 4) + digits[-2:] if len(digits) > 4 else "*" * 6


def mask_id_number(value: str) -> str:
    """First six and last four characters of an identity number; a shorter value is hidden whole."""
    value = value.strip()
    return f"{value[:6]}{'*' * (len(value) - 10)}{value[-4:]}" if len(value) >= 15 else "*" * 8


def mask_name(value: str) -> str:
    """The surname, the rest as stars."""
    value = value.strip()
    if not value:
        return ""
    kept = 2 if value[:2] in _COMPOUND else 1
    return value[:kept] + "*" * max(len(value) - kept, 1)


def mask_address(value: str) -> str:
    """The address as far as the street or the estate."""
    match = _HOUSE.match(value.strip())
    return (match.group(1) if match else value.strip()[:6]) + "***"


def mask_text(value: str) -> str:
    """Free text without phone and identity numbers."""
    value = _IDENTITY.sub(lambda m: f"{m[1]}{'*' * 8}{m[3]}", value)
    value = _PHONE.sub(lambda m: f"{m[1]}****{m[3]}", value)
    return _LANDLINE.sub(lambda m: f"{m[1]}-****{m[3]}", value)
