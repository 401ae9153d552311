"""Which of the columns asked for the city holds already."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from datahub.models import Column, Dataset
from datahub.states import DatasetStatus

from .words import is_plain, meaning_of

MIN_COLUMNS = 2  # fewer in common is chance
MIN_SHARE = 0.4  # of what was asked, columns that stand in every table left out
MIN_SHARE_SAME = 0.25  # the same where the subject is the same
# What one column not collected again spares: designing, filling in, checking. An estimate, said so beside it.
HOURS_PER_COLUMN = Decimal("2.0")


@dataclass(frozen=True)
class Asked:
    """A column that a new dataset or a form wants. names: code and headers, in any order."""

    label: str
    names: tuple[str, ...]


@dataclass
class Repeat:
    """A dataset that holds some of it. pairs: (as asked, as held)."""

    dataset: Dataset
    same_subject: bool
    pairs: list[tuple[str, str]] = field(default_factory=list)


def find_repeats(
    asked: Iterable[Asked], *, subject: str = "", domain: str = "", but: str = ""
) -> list[Repeat]:
    """Datasets of the catalogue that hold what is asked for, the fullest first.

    `subject` is the name of what the rows are about; with the same subject (or, where neither
    says one, in the same domain) fewer columns in common are enough.
    """
    wanted: dict[str, str] = {}
    for one in asked:
        meaning = meaning_of(*one.names)
        if meaning and not is_plain(meaning):
            wanted.setdefault(meaning, one.label)
    if not wanted:
        return []
    about = meaning_of(subject)
    columns = (
        Column.objects.filter(dataset__status__in=[DatasetStatus.PUBLISHED, DatasetStatus.REVIEWED])
        .exclude(dataset__code=but)
        .select_related("dataset")
        .order_by("dataset_id", "position")
    )
    found: dict[int, Repeat] = {}
    for column in columns:
        meaning = meaning_of(column.code, column.name, column.name_en)
        if meaning not in wanted:
            continue
        dataset = column.dataset
        repeat = found.get(dataset.pk)
        if repeat is None:
            same = bool(about) and meaning_of(dataset.subject_column) == about
            repeat = found[dataset.pk] = Repeat(dataset, same or (bool(domain) and domain == dataset.domain))
        repeat.pairs.append((wanted[meaning], column.title))
    needed = max(MIN_COLUMNS, round(len(wanted) * MIN_SHARE))
    of_same = max(MIN_COLUMNS, round(len(wanted) * MIN_SHARE_SAME))
    chosen = [one for one in found.values() if len(one.pairs) >= (of_same if one.same_subject else needed)]
    return sorted(chosen, key=lambda one: (-len(one.pairs), not one.same_subject, one.dataset.code))


def held_columns(repeats: Iterable[Repeat]) -> set[str]:
    """The asked columns that at least one dataset holds."""
    return {label for repeat in repeats for label, _held in repeat.pairs}
