"""The seven first-level classes of the labelled messages, mapped onto this platform's categories.

A class of the labelled set is wider than one of ours. `first` is the category (first level)
that stands for the class where nothing more is known; `within` are the ones among which the
keyword rules choose.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class ClassMap:
    first: str
    within: frozenset[str]


def _to(first: str, others: str) -> ClassMap:
    return ClassMap(first, frozenset([first, *others.split()]))


TIPDM_CLASSES: dict[str, ClassMap] = {
    "城乡建设": _to("05", "06 07 08 13 18"),
    "劳动和社会保障": _to("02", "01"),
    "教育文体": _to("14", "20"),
    "商贸旅游": _to("03", "04 06 19 20"),
    "卫生计生": _to("15", "01"),
    "环境保护": _to("10", "09"),
    "交通运输": _to("12", "11"),
}
