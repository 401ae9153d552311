"""Lists and boundaries are read as they are, or refused with file, row, column and reason."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from city.imports import plan_areas
from city.locate import locate
from city.models import Area, AreaLineage, Generation
from city.selectors import area, area_path_name, children, current_code
from city.services import import_areas
from city.states import GenerationState
from commandcenter.core.coordinates import wgs84_to_gcj02
from commandcenter.core.errors import BadInput
from tests.factories.city import AreaFactory, square

CITIES = "code,name,provinceCode\n3206,南通市,32\n"
AREAS = (
    "code,name,cityCode,provinceCode\n320613,崇川区,3206,32\n320614,海门区,3206,32\n320671,开发区,3206,32\n"
)
STREETS = "code,name,areaCode,provinceCode,cityCode\n320613001,城东街道,320613,32,3206\n"
VILLAGES = (
    "code,name,streetCode,provinceCode,cityCode,areaCode\n"
    "320613001001,东市社区居委会,320613001,32,3206,320613\n"
)


def ring(lon: float, lat: float, size: float = 0.5) -> list[list[float]]:
    corners = [(lon, lat), (lon + size, lat), (lon + size, lat + size), (lon, lat + size), (lon, lat)]
    return [[float(v) for v in wgs84_to_gcj02(x, y)] for x, y in corners]


def feature(code: str, name: str, coordinates: object, kind: str = "Polygon") -> dict:
    return {
        "type": "Feature", "properties": {"adcode": code, "name": name},
        "geometry": {"type": kind, "coordinates": coordinates},
    }  # fmt: skip


GOOD = [feature("320602", "崇川区", [ring(120, 31)]), feature("320614", "海门区", [ring(120.5, 31)])]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    names = ("cities", "areas", "streets", "villages")
    for name, text in zip(names, (CITIES, AREAS, STREETS, VILLAGES), strict=True):
        (tmp_path / f"nantong_{name}.csv").write_text(text, encoding="utf-8")
    write_polygons(tmp_path, GOOD)
    return tmp_path


def write_polygons(folder: Path, features: object) -> None:
    text = json.dumps({"type": "FeatureCollection", "features": features})
    (folder / "districts.geojson").write_text(text, encoding="utf-8")


def run(folder: Path, *more: str) -> tuple[dict, str]:
    out = StringIO()
    polygons = str(folder / "districts.geojson")
    call_command(
        "import_areas",
        "--divisions",
        str(folder),
        "--polygons",
        polygons,
        "--datum",
        "gcj02",
        *more,
        stdout=out,
    )
    return json.loads(out.getvalue().splitlines()[-1]), out.getvalue()


@pytest.mark.django_db
def test_a_dry_run_counts_and_writes_nothing(folder):
    summary, text = run(folder)
    assert summary == {"units": 6, "polygons": 2, "renamed": 1, "without_polygon": 1}
    assert "320602 → 320613" in text
    assert "320671" in text
    assert Generation.objects.count() == 0


@pytest.mark.django_db
def test_commit_switches_on_a_whole_generation(folder, news):
    run(folder, "--commit")
    assert locate(120.2, 31.2) == "320613"
    assert locate(120.7, 31.2) == "320614"
    assert area_path_name("320613001001") == "南通市 › 崇川区 › 城东街道 › 东市社区居委会"
    assert [one.code for one in children("3206")] == ["320613", "320614", "320671"]
    assert Area.objects.get(code="320671").polygon is None
    assert current_code("320602") == "320613"
    assert current_code("999999") == "999999"
    assert news == ["city.generation.activated"]


@pytest.mark.django_db
def test_a_repeat_loads_nothing_and_a_change_loads_the_next_generation(folder, news):
    run(folder, "--commit")
    run(folder, "--commit")
    assert Generation.objects.count() == 1
    (folder / "nantong_areas.csv").write_text(AREAS.replace("开发区", "新开发区"), encoding="utf-8")
    run(folder, "--commit")
    assert list(Generation.objects.order_by("number").values_list("number", "state")) == [
        (1, GenerationState.RETIRED), (2, GenerationState.ACTIVE),
    ]  # fmt: skip
    assert area("320671").name == "新开发区"
    assert news == ["city.generation.activated"] * 2


@pytest.mark.django_db
def test_grid_cells_are_kept_where_their_village_still_exists(folder):
    kept, gone, moved = "3206130010011001", "3206130010991001", "3206020010011002"
    for code in (kept, gone, moved):
        AreaFactory(code=code, polygon=square(120.2, 31.2, 0.01), is_demo_boundary=True)
    run(folder, "--commit")
    cells = Area.objects.active().filter(level="cell")
    assert list(cells.values_list("code", "is_demo_boundary")) == [(kept, True), ("3206130010011002", True)]


@pytest.mark.django_db
def test_a_failure_in_the_middle_leaves_the_generation_before(folder, monkeypatch):
    run(folder, "--commit")
    (folder / "nantong_areas.csv").write_text(AREAS.replace("开发区", "新开发区"), encoding="utf-8")
    plan = plan_areas(divisions=folder)
    monkeypatch.setattr("city.services.areas.audit", lambda **_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        import_areas(plan=plan, source="test")
    assert Generation.objects.get().state == GenerationState.ACTIVE
    assert AreaLineage.objects.count() == 1


def broken(name: str, text: str | bytes):
    def write(folder: Path) -> None:
        path = folder / f"nantong_{name}.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())

    return write


def polygons(*features: object):
    return lambda folder: write_polygons(folder, list(features))


BOW = [[120, 31], [121, 32], [121, 31], [120, 32], [120, 31]]
CASES = [
    pytest.param(broken("areas", "code,cityCode\n320613,3206\n"), "nantong_areas.csv", None, "name", id="missing column"),
    pytest.param(broken("areas", AREAS.encode("gbk")), "nantong_areas.csv", 1, "", id="GBK"),
    pytest.param(broken("areas", AREAS.encode("utf-16")), "nantong_areas.csv", None, "", id="UTF-16"),
    pytest.param(broken("areas", ""), "nantong_areas.csv", None, "", id="empty file"),
    pytest.param(broken("areas", "code,name,cityCode\n"), "nantong_areas.csv", None, "", id="header only"),
    pytest.param(broken("areas", b"\x89PNG\r\n\x1a\n" + bytes(50)), "nantong_areas.csv", None, "", id="a picture"),
    pytest.param(broken("areas", "x" * 20_000), "nantong_areas.csv", None, "", id="one endless line"),
    pytest.param(broken("areas", AREAS + "320613,崇川区,3206,32\n"), "nantong_areas.csv", 4, "code", id="duplicate code"),
    pytest.param(broken("areas", AREAS + "32061X,崇川区,3206,32\n"), "nantong_areas.csv", 4, "code", id="not a code"),
    pytest.param(broken("areas", AREAS + "32068,启东市,3206,32\n"), "nantong_areas.csv", 4, "code", id="short code"),
    pytest.param(broken("areas", AREAS + "320681,,3206,32\n"), "nantong_areas.csv", 4, "name", id="no name"),
    pytest.param(broken("areas", AREAS + "320681,启东市\n"), "nantong_areas.csv", 4, "", id="too few cells"),
    pytest.param(broken("areas", AREAS + '320681,"启东市\n'), "nantong_areas.csv", 4, "", id="open quote"),
    pytest.param(
        broken("streets", STREETS + "320699001,某镇,320699,32,3206\n"), "nantong_streets.csv", 2, "areaCode",
        id="orphan",
    ),
    pytest.param(
        broken("streets", STREETS + "320613002,某镇,320614,32,3206\n"), "nantong_streets.csv", 2, "areaCode",
        id="under another parent",
    ),
    pytest.param(lambda f: (f / "nantong_villages.csv").unlink(), "*villages.csv", None, "", id="list missing"),
    pytest.param(
        lambda f: (f / "other_villages.csv").write_text(VILLAGES), "*villages.csv", None, "", id="list twice"
    ),
    pytest.param(polygons(), "districts.geojson", None, "features", id="no boundary"),
    pytest.param(polygons(GOOD[0], feature("320614", "海门区", [BOW])), "districts.geojson", 2, "geometry", id="bow tie"),
    pytest.param(
        polygons(feature("320614", "海门区", [[[31, 120], [32, 120], [32, 121], [31, 120]]])), "districts.geojson",
        1, "geometry", id="longitude and latitude swapped",
    ),
    pytest.param(polygons(feature("320614", "海门区", "x")), "districts.geojson", 1, "geometry", id="no coordinates"),
    pytest.param(polygons(feature("320614", "海门区", [120, 31], "Point")), "districts.geojson", 1, "geometry", id="point"),
    pytest.param(polygons(feature("320699", "某区", [ring(120, 31)])), "districts.geojson", 1, "adcode", id="unknown unit"),
    pytest.param(polygons(feature("320614", "崇川区", [ring(120, 31)])), "districts.geojson", 1, "name", id="wrong name"),
    pytest.param(polygons(GOOD[0], GOOD[0]), "districts.geojson", 2, "code", id="two boundaries"),
    pytest.param(polygons({"type": "Feature"}), "districts.geojson", 1, "properties", id="no properties"),
    pytest.param(
        lambda f: (f / "districts.geojson").write_text('{"type": "Feature'), "districts.geojson", None, "",
        id="truncated JSON",
    ),
    pytest.param(lambda f: (f / "districts.geojson").write_text("[]"), "districts.geojson", None, "", id="not GeoJSON"),
]  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize(("damage", "file", "row", "column"), CASES)
def test_bad_input_is_told_exactly_and_nothing_is_written(folder, damage, file, row, column, news):
    damage(folder)
    with pytest.raises(BadInput) as caught:
        plan_areas(divisions=folder, polygons=folder / "districts.geojson", datum="gcj02")
    first = caught.value.problems[0]
    assert (first.file, first.row, first.field) == (file, row, column)
    assert first.reason
    with pytest.raises(CommandError):
        run(folder, "--commit")
    assert (Generation.objects.count(), Area.objects.count(), news) == (0, 0, [])


def test_the_datum_must_be_named(folder):
    with pytest.raises(CommandError):
        call_command(
            "import_areas", "--divisions", str(folder), "--polygons", str(folder / "districts.geojson")
        )


def test_an_unknown_column_is_noted_and_not_read(folder):
    broken("areas", AREAS.replace("provinceCode", "colour"))(folder)
    assert any("colour" in note for note in plan_areas(divisions=folder).divisions.notes)


@pytest.mark.django_db
def test_real_lists_and_polygons():
    """The public lists of Nantong, when they lie beside the checkout."""
    real = Path(__file__).resolve().parents[3] / "shared" / "data" / "areas"
    if not real.is_dir():
        pytest.skip("no real lists beside this checkout")
    plan = plan_areas(divisions=real, polygons=real / "nantong_districts_gcj02.geojson", datum="gcj02")
    assert plan.summary() == {"units": 2150, "polygons": 7, "renamed": 2, "without_polygon": 1}
    assert [unit.code for unit in plan.without_polygon] == ["320671"]
    assert {(one.old_code, one.new_code) for one in plan.boundaries.renamed} == {
        ("320602", "320613"), ("320684", "320614"),
    }  # fmt: skip
