"""What the hub has to set right after a restore, before anything else runs."""

from django.apps import apps
from django.db.models import F, Max, Value
from django.db.models.functions import Concat, Substr

from datahub.lake.models import LakeChange
from datahub.lake.rewind import rewind_table
from datahub.models import Dataset


def rewind_lake() -> dict[str, int]:
    """Every table back to the turn the database knows; commits cut off, by dataset."""
    cut = {}
    for dataset in Dataset.objects.order_by("code"):
        known = LakeChange.objects.filter(dataset=dataset).aggregate(n=Max("number"))["n"] or 0
        if gone := rewind_table(dataset.code, turn=dataset.turn, upkeep=known):
            cut[dataset.code] = gone
    return cut


def relocate_files(old: str, new: str) -> int:
    """Files that wait lie in another folder now: whatever names one by `path` is told. Returns how many."""
    if not old or old == new:
        return 0
    moved = 0
    for model in apps.get_app_config("datahub").get_models():
        names = {one.name for one in model._meta.concrete_fields}
        if "path" in names and not model._meta.get_field("path").is_relation:
            rows = model._base_manager.filter(path__startswith=f"{old}/")
            moved += rows.update(path=Concat(Value(new), Substr(F("path"), len(old) + 1)))
    return moved
