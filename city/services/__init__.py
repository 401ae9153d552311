"""The only writers of the city: areas, people, calendar."""

from city.services.areas import AreaRow, LineageRow, activate_generation, import_areas, load_generation
from city.services.calendar import load_years, set_work_day, set_work_spans
from city.services.people import (
    appoint_deputy,
    create_user,
    disable_superusers,
    end_deputy,
    grant_role,
    revoke_role,
    save_account,
    set_active,
    unlock_login,
)

__all__ = [
    "AreaRow",
    "LineageRow",
    "activate_generation",
    "appoint_deputy",
    "create_user",
    "disable_superusers",
    "end_deputy",
    "grant_role",
    "import_areas",
    "load_generation",
    "load_years",
    "revoke_role",
    "save_account",
    "set_active",
    "set_work_day",
    "set_work_spans",
    "unlock_login",
]
