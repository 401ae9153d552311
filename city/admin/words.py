"""Words of the libraries' admin pages that they do not say in Chinese themselves."""

from __future__ import annotations

from django.utils.translation import gettext_noop as _

WORDS = (
    _("Axes"),
    _("access attempt"),
    _("access attempts"),
    _("Type to search"),
    _("Date"),
    _("Select all rows"),
    _("Apply Filters"),
    _("Reset filters"),
    _("Run"),
    _("Run the selected action"),
    _("Select value"),
    _("Search apps and models..."),
    _("Light"),
    _("Dark"),
    _("System"),
    _("Show all"),
    _("Clear selection"),
    _("Go back"),
    _("Recent searches"),
    _("No recent searches"),
    _("No results found"),
    _("No results matching your query"),
    _("Loading more results..."),
    _("More actions"),
    _("No data"),
    _("Return to site"),
    _("This page yielded into no results. Create a new item or reset your filters."),
    _("Filters"),
    _("Objects"),
)
