"""Masking, encryption, datums, uploads, words."""

import io
import zipfile
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from commandcenter.core import clock
from commandcenter.core.coordinates import gcj02_to_wgs84, wgs84_to_gcj02
from commandcenter.core.crypto import CannotDecrypt, decrypt, encrypt, keyed_hash
from commandcenter.core.masking import mask_address, mask_id_number, mask_name, mask_phone, mask_text
from commandcenter.core.templatetags.words import big_number, human_time, time_left
from commandcenter.core.uploads import sniff

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)  # 12:00 in Shanghai


@given(st.text())
def test_what_is_encrypted_comes_back_and_never_looks_the_same(value):
    first, second = encrypt(value), encrypt(value)
    assert decrypt(first) == decrypt(second) == value
    assert not value or first != second


def test_a_changed_token_is_refused():
    token = encrypt("13900001111")
    with pytest.raises(CannotDecrypt):
        decrypt(token[:-6] + ("AAAAA=" if not token.endswith("AAAAA=") else "BBBBB="))


def test_keyed_hashes_match_equal_values_within_one_purpose_only():
    assert keyed_hash("13900001111") == keyed_hash("13900001111")
    assert keyed_hash("13900001111") != keyed_hash("13900001111", purpose="other")
    assert keyed_hash("") == ""


@given(prefix=st.sampled_from(["", "+86", "86 "]), middle=st.integers(0, 9999), last=st.integers(0, 9999))
def test_no_masked_text_holds_the_middle_of_a_phone_number(prefix, middle, last):
    number = f"139{middle:04d}{last:04d}"
    masked = mask_text(f"请回电{prefix}{number}，谢谢")
    assert number not in masked
    assert mask_phone(number) == f"139****{last:04d}"
    assert mask_phone(number) in masked


@pytest.mark.parametrize(
    ("function", "value", "shown"),
    [
        (mask_name, "张三", "张*"),
        (mask_name, "欧阳海生", "欧阳**"),
        (mask_name, "", ""),
        (mask_id_number, "11010519491231002X", "110105********002X"),
        (mask_id_number, "1101", "********"),
        (mask_address, "人民中路12号3幢401", "人民中路***"),
        (mask_phone, "110", "******"),
    ],
)
def test_masks(function, value, shown):
    assert function(value) == shown


@given(lon=st.floats(119.5, 122.5), lat=st.floats(31.5, 33.0))
def test_gcj02_is_inverted_to_a_centimetre(lon, lat):
    back = gcj02_to_wgs84(*wgs84_to_gcj02(lon, lat))
    assert np.allclose(back, (lon, lat), atol=1e-7, rtol=0)


def test_the_offset_of_nantong_is_a_few_hundred_metres():
    lon, lat = wgs84_to_gcj02(120.86, 32.01)
    assert 0.002 < lon - 120.86 < 0.007
    assert -0.005 < lat - 32.01 < 0.002


def _zip(name: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, "x")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "empty"),
        (b"a,b\n1,2\n", "csv"),
        ("名称,值\n".encode("gbk"), "csv"),
        (b'\xef\xbb\xbf{"a": 1}', "json"),
        (b"\x1f\x8b\x08rest", "gzip"),
        (b"PAR1....", "parquet"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"MZ\x90\x00", "executable"),
        (b"abc\x00def", "unknown"),
    ],
)
def test_content_is_named_whatever_the_file_is_called(content, kind, tmp_path):
    path = tmp_path / "claims.xlsx"
    path.write_bytes(content)
    assert sniff(path) == sniff(content) == kind


def test_a_zip_is_a_workbook_only_with_a_workbook_inside(tmp_path):
    for name, kind in (("xl/workbook.xml", "xlsx"), ("evil.exe", "zip")):
        path = tmp_path / "book.xlsx"
        path.write_bytes(_zip(name))
        assert sniff(path) == kind


def test_words_for_numbers_and_times():
    with translation.override("zh-hans"), clock.at(NOON):
        assert big_number(123_456) == "12.35 万"
        assert big_number(400_000_000) == "4 亿"
        assert big_number(9_999) == "9,999"
        assert human_time(NOON) == "今天 12:00"
        assert human_time(NOON - timedelta(days=1)) == "昨天 12:00"
        assert time_left(NOON + timedelta(minutes=80)) == "剩余 1 小时 20 分"
        assert time_left(NOON - timedelta(days=2)) == "超期 2 天"
