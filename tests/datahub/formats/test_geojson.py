"""GeoJSON: points to columns, shapes refused or their centroid, reference systems said."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datahub.faults import Reason, Refusal, Refused
from datahub.formats.opening import open_source

from .files import read, written

SQUARE = [[[120, 32], [121, 32], [121, 33], [120, 33], [120, 32]]]


def feature(geometry, **properties):
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def point(lon, lat, **properties):
    return feature({"type": "Point", "coordinates": [lon, lat]}, **properties)


def collection(*features, **more):
    return {"type": "FeatureCollection", **more, "features": list(features)}


def given_as(folder, made, indent=None, name="a.geojson", **options):
    return read(written(folder, json.dumps(made, indent=indent).encode(), name), **options)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("geojson")


@given(
    st.lists(
        st.tuples(st.floats(-180, 180), st.floats(-90, 90), st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=6)),
        min_size=1, max_size=20,
    ),
    st.sampled_from([None, 2]), st.integers(16, 500),
)  # fmt: skip
def test_points_are_two_columns_whatever_the_size_of_blocks(folder, points, indent, size):
    made = collection(*(point(lon, lat, name=name) for lon, lat, name in points))
    header, rows, faults = given_as(folder, made, indent, block_bytes=size)
    assert header[-2:] == ["lon", "lat"]
    assert faults == {}
    assert [(row["lon"], row["lat"]) for row in rows.values()] == [(lon, lat) for lon, lat, _ in points]


@pytest.mark.parametrize("geometry", [
    {"type": "Polygon", "coordinates": SQUARE}, {"type": "MultiPoint", "coordinates": [[120, 32], [121, 33]]},
    {"type": "LineString", "coordinates": [[120, 32], [121, 33]]},
    {"type": "GeometryCollection", "geometries": [{"type": "Point", "coordinates": [120.5, 32.5]}]},
])  # fmt: skip
def test_a_shape_is_refused_with_its_row_or_becomes_its_centroid(tmp_path, geometry):
    made = collection(point(120, 32, n=1), feature(geometry, n=2), point(121, 33, n=3))
    _header, rows, faults = given_as(tmp_path, made)
    assert (sorted(rows), faults[1].reason, faults[1].raw) == ([0, 2], Reason.NOT_POINT, geometry["type"])
    _header, rows, faults = given_as(tmp_path, made, geometry="centroid")
    assert (rows[1]["lon"], rows[1]["lat"], faults) == (120.5, 32.5, {})


@pytest.mark.parametrize(("geometry", "reason"), [
    ({"type": "Point", "coordinates": ["120", "32"]}, Reason.COORDINATES),
    ({"type": "Point", "coordinates": [120]}, Reason.COORDINATES),
    ({"type": "Point", "coordinates": []}, Reason.COORDINATES),
    ({"type": "Point", "coordinates": [True, False]}, Reason.COORDINATES),
    ({"type": "Point", "coordinates": [1e999, 32]}, Reason.COORDINATES),
    ({"type": "Point"}, Reason.COORDINATES),
    ({"type": "Blob", "coordinates": [1, 2]}, Reason.BAD_RECORD),
    ("nowhere", Reason.BAD_RECORD), ({"type": "Polygon", "coordinates": [[[1, 2]]]}, Reason.NOT_POINT),
])  # fmt: skip
def test_a_broken_place_costs_its_row(tmp_path, geometry, reason):
    _header, rows, faults = given_as(tmp_path, collection(point(120, 32, n=1), feature(geometry, n=2)))
    assert (sorted(rows), faults[1].reason) == ([0], reason)
    found = given_as(tmp_path, collection(point(120, 32, n=1), feature(geometry, n=2)), geometry="centroid")
    assert sorted(found[1]) == [0]


def test_a_feature_without_a_place_and_one_with_a_height(tmp_path):
    made = collection(feature(None, n=1), feature({"type": "Point", "coordinates": [120.5, 32.25, 8.0]}, n=2))
    _header, rows, _faults = given_as(tmp_path, made)
    assert [(row["lon"], row["lat"]) for row in rows.values()] == [(None, None), (120.5, 32.25)]


def test_properties_of_the_same_name_keep_theirs(tmp_path):
    header, rows, _faults = given_as(
        tmp_path, collection({**point(120, 32), "properties": {"lon": "west", "n": 1}})
    )
    assert header == ["lon", "n", "lon_1", "lat_1"]
    assert rows[0] == {"lon": "west", "n": "1", "lon_1": 120.0, "lat_1": 32.0}


def test_ids_nested_properties_and_no_properties(tmp_path):
    made = collection({**point(120, 32, tags=["a", "b"]), "id": 7}, {**point(121, 32), "properties": None})
    header, rows, faults = given_as(tmp_path, made)
    assert rows[0] == {"id": "7", "tags": '["a", "b"]', "lon": 120.0, "lat": 32.0}
    assert (rows[1]["tags"], faults) == (None, {})


@pytest.mark.parametrize(("crs", "datum"), [
    ("urn:ogc:def:crs:OGC:1.3:CRS84", "wgs84"), ("EPSG:4326", "wgs84"), ("urn:ogc:def:crs:EPSG::4490", "cgcs2000"),
])  # fmt: skip
def test_the_reference_system_that_an_older_file_names(tmp_path, crs, datum):
    made = collection(point(120, 32), crs={"type": "name", "properties": {"name": crs}})
    path = written(tmp_path, json.dumps(made).encode())
    assert open_source(str(path)).datum == datum


@pytest.mark.parametrize("last", [True, False])
def test_other_reference_systems_are_refused(tmp_path, last):
    crs = {"crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3857"}}}
    made = collection(point(13_000_000, 3_000_000), **({} if last else crs))
    found = given_as(tmp_path, {**made, **crs} if last else made)
    assert found.code == Refused.DATUM


def test_features_one_a_line_and_one_alone(tmp_path):
    lines = "\n".join(json.dumps(point(120 + n, 32, n=n)) for n in range(3))
    assert [row["lon"] for row in read(written(tmp_path, lines.encode()))[1].values()] == [120, 121, 122]
    marked = "".join("\x1e" + json.dumps(point(120 + n, 32, n=n)) + "\n" for n in range(3))
    assert len(read(written(tmp_path, marked.encode()))[1]) == 3
    assert len(given_as(tmp_path, point(120, 32, n=1), indent=2)[1]) == 1


@pytest.mark.parametrize(("text", "code"), [
    ('{"type": "FeatureCollection", "features": []}', Refused.NO_ROWS),
    ('{"type": "FeatureCollection", "features": [{"type": "Feature"', Refused.TRUNCATED),
    ('{"type": "FeatureCollection"}\n', Refused.DAMAGED),
    ('{"type": "FeatureCollection", "features": [], "more": 1', Refused.NO_ROWS),
])  # fmt: skip
def test_refusals(tmp_path, text, code):
    found = read(written(tmp_path, text.encode()))
    assert isinstance(found, Refusal) or not found[1], found
    if isinstance(found, Refusal):
        assert found.code in (code, Refused.TRUNCATED)


@given(st.binary(max_size=200))
def test_any_bytes_inside_a_collection(folder, data):
    head = b'{"type": "FeatureCollection", "features": ['
    read(written(folder, head + json.dumps(point(120, 32, n=1)).encode() + b"," + data))
    read(written(folder, head + data + b"]}"))
