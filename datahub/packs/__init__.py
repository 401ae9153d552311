"""Dataset declarations by domain. Every module here with a list DATASETS is a pack."""

import pkgutil
from importlib import import_module

from datahub.declare import DatasetSpec


def declared() -> dict[str, list[DatasetSpec]]:
    """All packs: name -> datasets. Raises ValueError when a code is declared twice."""
    packs = {}
    seen: set[str] = set()
    for module in pkgutil.iter_modules(__path__):
        datasets = import_module(f"{__name__}.{module.name}").DATASETS
        for dataset in datasets:
            if dataset.code in seen:
                raise ValueError(f"{dataset.code} is declared twice")
            seen.add(dataset.code)
        packs[module.name] = datasets
    return packs
