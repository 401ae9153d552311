"""What an organisation is responsible for. Department names change with reform; these do not."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Function(TextChoices):
    COMMAND = "command", _("Command and dispatch")
    HOUSING = "housing", _("Housing and construction")
    URBAN_MGMT = "urban_mgmt", _("Urban management")
    POLICE = "police", _("Public security")
    EDUCATION = "education", _("Education")
    HEALTH = "health", _("Health")
    HR_SOCIAL = "hr_social", _("Human resources and social security")
    MEDICAL_INSURANCE = "medical_insurance", _("Medical insurance")
    MARKET = "market", _("Market regulation")
    ENVIRONMENT = "environment", _("Ecology and environment")
    EMERGENCY = "emergency", _("Emergency management")
    TRANSPORT = "transport", _("Transport")
    WATER = "water", _("Water resources")
    CIVIL_AFFAIRS = "civil_affairs", _("Civil affairs")
    AGRICULTURE = "agriculture", _("Agriculture and rural affairs")
    PLANNING = "planning", _("Natural resources and planning")
    JUSTICE = "justice", _("Justice")
    TAX = "tax", _("Taxation")
    CULTURE_TOURISM = "culture_tourism", _("Culture and tourism")
    FIRE = "fire", _("Fire and rescue")
    UTILITIES = "utilities", _("Public utilities")
    DATA = "data", _("Data administration")
    LABOUR = "labour", _("Labour inspection")
    TOWN = "town", _("Town enforcement and services")
