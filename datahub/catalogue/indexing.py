"""The text that a search in the catalogue looks through. Written with the dataset, never by hand."""

from datahub.declare import DatasetSpec


def search_text_of(spec: DatasetSpec, number: str) -> str:
    """Names, number, domain, theme, tags and columns; the provider's name is looked up when searching."""
    words = [spec.code, number, spec.name, spec.name_en, spec.summary, spec.domain, spec.theme, *spec.tags]
    for column in spec.columns:
        words += [column.code, column.name, column.name_en]
    return "\n".join(dict.fromkeys(word for word in words if word))
