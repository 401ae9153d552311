"""Why the register could not take a row."""

from django.utils.translation import gettext_lazy as _

REASONS = {
    "unknown_kind": _("no such kind of device"),
    "not_20_digits": _("a camera's code has 20 digits (GB/T 28181)"),
    "no_such_province": _("its first two digits name no province"),
    "not_a_device_type": _("digits 11–13 name no device (111–199)"),
    "bad_code": _("up to 40 letters, digits, . : - _"),
    "unknown_owner": _("no organisation has this code"),
    "unknown_feed": _("public or social"),
    "unknown_status": _("in_use, suspended or retired"),
    "unknown_datum": _("cgcs2000, wgs84 or gcj02"),
    "half_a_position": _("a longitude needs a latitude"),
    "outside_china": _("lies outside China; longitude and latitude changed round?"),
}
