"""The drawn boundaries nest, and leave neither gap nor overlap."""

import pytest
import shapely

from commandcenter.core.codes import parent_of
from commandcenter.demo.boundaries import draw_city
from commandcenter.demo.divisions import DivisionsMissing, read_divisions


@pytest.fixture(scope="module")
def drawing():
    return draw_city(read_divisions())


def test_every_area_of_the_lists_is_drawn_under_its_own_code(drawing):
    counts = [len(drawing.of(level)) for level in ("city", "county", "town", "village")]
    assert counts == [1, 8, 136, 2005]
    names = {area.code: area.name for area in drawing.areas}
    assert (names["3206"], names["320613"], names["320614"]) == ("南通市", "崇川区", "海门区")
    assert all(area.shape.is_valid and not area.shape.is_empty for area in drawing.areas)


@pytest.mark.parametrize("level", ["county", "town", "village"])
def test_a_level_fills_the_one_above_without_overlap(drawing, level):
    areas = drawing.of(level)
    parts: dict[str, list] = {}
    for area in areas:
        parts.setdefault(parent_of(area.code), []).append(area.shape)
    for parent, shapes in parts.items():
        whole = drawing.by_code[parent].shape
        assert sum(shape.area for shape in shapes) == pytest.approx(whole.area, rel=1e-6)
        assert shapely.unary_union(shapes).symmetric_difference(whole).area < whole.area * 1e-6


def test_grid_cells_belong_to_one_village_each(drawing):
    cells = drawing.of("cell")
    assert len({cell.code for cell in cells}) == len(cells) > 500
    for cell in cells[::25]:
        village = drawing.by_code[cell.code[:12]].shape
        assert cell.shape.difference(village.buffer(1e-7)).area < 1e-12


def test_missing_lists_are_named(tmp_path):
    with pytest.raises(DivisionsMissing, match=r"villages\.csv.*bin/setup"):
        read_divisions(tmp_path)
