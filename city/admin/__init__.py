"""The administrators' pages. Each of the three sees his own; nobody sees the city's business here."""

from city.admin import areas, audit, people

__all__ = ["areas", "audit", "people"]
