"""The open catalogue as DCAT (W3C, version 3) in JSON-LD, for harvesters."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from datahub.models import Dataset

from .files import FORMS
from .selectors import licence_for, provider_names, shown_columns, theme_of

CONTEXT = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "csvw": "http://www.w3.org/ns/csvw#",
}
# Frequencies of the EU's vocabulary, which DCAT users know: the first that is at least the cycle.
_FREQUENCY = "http://publications.europa.eu/resource/authority/frequency/"
_CYCLES = (
    (timedelta(minutes=1), "UPDATE_CONT"),
    (timedelta(hours=1), "HOURLY"),
    (timedelta(days=1), "DAILY"),
    (timedelta(days=7), "WEEKLY"),
    (timedelta(days=31), "MONTHLY"),
    (timedelta(days=92), "QUARTERLY"),
    (timedelta(days=366), "ANNUAL"),
)
MEDIA = "https://www.iana.org/assignments/media-types/"


def frequency(cycle: timedelta | None) -> str:
    if cycle is None:
        return f"{_FREQUENCY}IRREG"
    return _FREQUENCY + next((name for most, name in _CYCLES if cycle <= most), "IRREG")


def catalogue(datasets: Iterable[Dataset], site: str) -> dict[str, Any]:
    """site: the address that every other begins with, without a slash at its end."""
    found = list(datasets)
    names = provider_names(one.provider for one in found)
    here = site + reverse("portal:catalogue")
    return {
        "@context": CONTEXT,
        "@id": here,
        "@type": "dcat:Catalog",
        "dct:title": _("Open data of the city"),
        "foaf:homepage": {"@id": site + reverse("portal:home")},
        "dct:language": ["zh", "en"],
        "dcat:dataset": [described(one, site, names) for one in found],
    }


def one(dataset: Dataset, site: str) -> dict[str, Any]:
    return {"@context": CONTEXT, **described(dataset, site, provider_names([dataset.provider]))}


def described(dataset: Dataset, site: str, names: dict[str, str]) -> dict[str, Any]:
    page = site + reverse("portal:dataset", args=[dataset.code])
    licence = licence_for(dataset)
    terms = licence.url or f"{site}{reverse('portal:help')}#{licence.code}"
    said: dict[str, Any] = {
        "@id": page,
        "@type": "dcat:Dataset",
        "dct:identifier": dataset.code,
        "dct:title": _texts(dataset.name, dataset.name_en),
        "dcat:landingPage": {"@id": page},
        "dct:license": {"@id": terms},
        "dct:accrualPeriodicity": {"@id": frequency(dataset.update_cycle)},
        "dcat:keyword": [*dataset.tags, *(column.name for column in shown_columns(dataset))],
    }
    if dataset.summary:
        said["dct:description"] = _texts(dataset.summary, "")
    if dataset.provider:
        name = names.get(dataset.provider, dataset.provider)
        said["dct:publisher"] = {
            "@type": "foaf:Organization",
            "dct:identifier": dataset.provider,
            "foaf:name": name,
        }
    if theme_of(dataset):
        said["dcat:theme"] = theme_of(dataset)
    if dataset.fresh_at:
        said["dct:modified"] = {"@type": "xsd:dateTime", "@value": dataset.fresh_at.isoformat()}
    said["dcat:distribution"] = [
        {
            "@type": "dcat:Distribution",
            "@id": (url := site + reverse("portal:rows", args=[dataset.code, form.code])),
            "dct:title": form.title,
            "dct:license": {"@id": terms},
            "dcat:accessURL": {"@id": page},
            "dcat:downloadURL": {"@id": url},
            "dcat:mediaType": {"@id": MEDIA + form.media},
        }
        for form in FORMS.values()
    ]
    return said


def _texts(chinese: str, english: str) -> list[dict[str, str]]:
    found = [{"@language": "zh", "@value": chinese}]
    return [*found, {"@language": "en", "@value": english}] if english else found
