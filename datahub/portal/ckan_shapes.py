"""A dataset in the shape that CKAN's clients know."""

import json
from datetime import UTC, datetime
from typing import Any

from django.urls import reverse

from datahub.models import Dataset

from . import selectors
from .files import FORMS
from .selectors import licence_for, shown_columns, theme_of


def name_of(dataset: Dataset) -> str:
    return dataset.code.replace(".", "-")


def _plain_time(moment: datetime | None) -> str | None:
    """As CKAN writes times: UTC without an offset."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() if moment else None


def organization(code: str, names: dict[str, str]) -> dict[str, Any]:
    name = names.get(code, code)
    return {
        "id": code,
        "name": code,
        "title": name,
        "type": "organization",
        "state": "active",
        "is_organization": True,
        "approval_status": "approved",
        "description": "",
        "image_url": "",
    }


def group(theme: str) -> dict[str, Any]:
    return {
        "id": theme,
        "name": theme,
        "title": theme,
        "display_name": theme,
        "description": "",
        "image_display_url": "",
    }


def tag(word: str) -> dict[str, Any]:
    return {"id": word, "name": word, "display_name": word, "state": "active", "vocabulary_id": None}


def resources(dataset: Dataset, site: str) -> list[dict[str, Any]]:
    changed = _plain_time(dataset.fresh_at)
    return [
        {
            "id": f"{name_of(dataset)}.{form.code}",
            "package_id": dataset.code,
            "name": f"{dataset.name} ({form.title})",
            "description": "",
            "format": form.title,
            "mimetype": form.media,
            "url": site + reverse("portal:rows", args=[dataset.code, form.code]),
            "url_type": None,
            "resource_type": None,
            "state": "active",
            "position": place,
            "hash": "",
            "size": None,
            "created": None,
            "last_modified": changed,
            "metadata_modified": changed,
            "datastore_active": form.code == "csv",
        }
        for place, form in enumerate(FORMS.values())
    ]


def shape(dataset: Dataset, site: str, names: dict[str, str]) -> dict[str, Any]:
    licence = licence_for(dataset)
    theme = theme_of(dataset)
    held = resources(dataset, site)
    return {
        "id": dataset.code,
        "name": name_of(dataset),
        "title": dataset.name,
        "notes": dataset.summary,
        "type": "dataset",
        "state": "active",
        "private": False,
        "isopen": True,
        "url": site + reverse("portal:dataset", args=[dataset.code]),
        "version": str(dataset.revision),
        "author": names.get(dataset.provider, dataset.provider),
        "author_email": None,
        "maintainer": None,
        "maintainer_email": None,
        "license_id": licence.code,
        "license_title": str(licence.title),
        "license_url": licence.url or f"{site}{reverse('portal:help')}#{licence.code}",
        "owner_org": dataset.provider or None,
        "organization": organization(dataset.provider, names) if dataset.provider else None,
        "groups": [group(theme)] if theme else [],
        "tags": [tag(word) for word in sorted(dataset.tags)],
        "num_tags": len(dataset.tags),
        "resources": held,
        "num_resources": len(held),
        "extras": [
            {"key": "title_en", "value": dataset.name_en},
            {"key": "update_cycle_seconds", "value": _seconds(dataset)},
            {"key": "columns", "value": json.dumps([c.code for c in shown_columns(dataset)])},
        ],
        "metadata_created": None,
        "metadata_modified": _plain_time(dataset.fresh_at),
        "relationships_as_subject": [],
        "relationships_as_object": [],
    }


def _seconds(dataset: Dataset) -> str:
    return str(int(dataset.update_cycle.total_seconds())) if dataset.update_cycle else ""


def shapes(found: list[Dataset], site: str) -> list[dict[str, Any]]:
    names = selectors.provider_names(one.provider for one in found)
    return [shape(one, site, names) for one in found]
