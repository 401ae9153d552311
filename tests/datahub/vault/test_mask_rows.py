"""Masking fails closed: whatever a source writes and wherever, a personal value is shown to nobody."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datahub import selectors
from datahub.declare import ColumnSpec, DatasetSpec
from datahub.faults import Notes, Refusal, Refused
from datahub.models import Delivery, Reject
from datahub.services import deliver
from datahub.vault import masking
from datahub.vault.masking import SourceMask, safe_refusal, said, said_notes, shown_columns, shown_rows
from tests.factories.datahub import READINGS, csv_file, make_dataset

from .people import CLIENTS, ZHANG

# Letters that stand nowhere else, so that finding one means that a value got out.
secrets = st.text(alphabet="甲乙丙丁戊己庚辛ΩΨΦ", min_size=2, max_size=12)
SENSITIVE = CLIENTS.model_copy(update={"privacy_class": "sensitive"})
specs = st.sampled_from([CLIENTS, SENSITIVE])
names = st.sampled_from([*(c.code for c in CLIENTS.columns), "unknown", "_delivery", "day", "姓名", ""])


@given(specs, secrets, st.lists(names, unique=True))
def test_rows_of_previews_and_samples(spec, secret, columns):
    personal = {c.code for c in spec.columns if c.personal} | {"unknown", "姓名", ""}
    row = {name: secret if name in personal else 7 for name in columns}
    (shown,) = shown_rows(spec, [row])
    assert secret not in str(shown)
    assert set(shown) == set(row)


@given(
    specs,
    st.dictionaries(
        st.sampled_from(["id_number", "name", "phone", "remark", "age", "其他"]), secrets, min_size=1
    ),
)
def test_rejects_whatever_column_a_value_slipped_into(spec, row):
    mask = SourceMask(spec, {c.code: c.code for c in spec.columns})
    shown = mask.row(row)
    hidden = {name: value for name, value in row.items() if name != "remark"}
    for value in hidden.values():
        assert value not in str(shown.get("age", "")) + str({k: v for k, v in shown.items() if k != "remark"})
    for name in ("id_number", "name", "phone"):
        if name in row:
            assert row[name] not in str(shown)  # nor in the remark beside it
    if spec is SENSITIVE and "remark" in row:
        assert shown["remark"] == "***"


@given(specs, secrets, st.text(max_size=20))
def test_notes_and_errors(spec, secret, around):
    text = f"{around} {secret} name"
    assert secret not in said(spec, f"id_number, {secret} ← [{secret}, phone]")
    notes = Notes()
    notes.add("extra_columns", text)
    assert secret not in str(said_notes(spec, notes))
    for error in (
        Refusal(Refused.MISSING_COLUMNS, text, 3, secret),
        ValueError(f"invalid value {secret!r}"),
        OSError(28, "No space left", secret),
        OSError(f"cannot read {secret}"),
        MemoryError(secret),
    ):
        refusal = safe_refusal(spec, error)
        assert secret not in refusal.detail + refusal.column
        assert refusal.detail or refusal.code


def test_a_note_keeps_the_words_that_the_declaration_knows():
    assert said(CLIENTS, "id_number (证件号码) ← [phone, 张晓明]") == "id_number (证件号码) ← [phone, ***]"
    assert said(READINGS, "张晓明") == "张晓明"


def test_when_the_masking_itself_breaks_the_value_is_hidden(monkeypatch):
    def broken(*args):
        raise RuntimeError

    monkeypatch.setattr(masking, "mask_text", broken)
    monkeypatch.setattr(masking, "redact", broken)
    assert shown_rows(CLIENTS, [{"remark": "x"}]) == [{"remark": "***"}]
    assert SourceMask(CLIENTS, {"remark": "remark"}).value("remark", "x") == "***"


def test_statistics_may_be_shown_of_columns_that_are_not_personal():
    assert shown_columns(CLIENTS) == {"remark", "age"}
    assert shown_columns(SENSITIVE) == {"age"}


@pytest.mark.django_db
def test_a_file_without_a_header_is_refused_without_repeating_its_first_person(city, noon, tmp_path):
    make_dataset(CLIENTS)
    path = tmp_path / "bare.csv"
    path.write_text(",".join(ZHANG.values()) + ",备注,30\n")
    delivery = deliver(dataset_code=CLIENTS.code, path=path)
    assert (delivery.state, delivery.reason) == ("refused", Refused.MISSING_COLUMNS)
    said_of_it = delivery.detail + delivery.fault_column + json.dumps(delivery.notes, ensure_ascii=False)
    for value in ZHANG.values():
        assert value not in said_of_it


@pytest.mark.django_db
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=st.lists(secrets, min_size=3, max_size=3, unique=True),
    where=st.sampled_from(["age", "remark", "extra"]),
)
def test_a_whole_delivery_shows_no_value(city, tmp_path, values, where):
    make_dataset(CLIENTS)
    row = dict(zip(("id_number", "name", "phone"), values, strict=True)) | {"remark": "", "age": 1}
    wrong = {**row, "age": "no number", where: values[1]}
    delivery = deliver(
        dataset_code=CLIENTS.code, path=csv_file(tmp_path, [row, {**wrong, "extra": values[2]}])
    )
    kept = list(Reject.objects.filter(delivery=delivery).values("raw", "detail", "column", "row", "others"))
    assert kept
    fields = Delivery.objects.filter(pk=delivery.pk).values("detail", "notes", "fault_column", "checks").get()
    text = json.dumps([kept, fields, selectors.sample(CLIENTS.code, 50)], ensure_ascii=False, default=str)
    text += str(selectors.row_by_ref(f"datahub.row:{delivery.pk}:1"))
    for value in values:
        assert value not in text


def test_clients_is_guarded_also_without_its_class():
    spec = DatasetSpec(
        code="test.bare",
        name="x",
        columns=(ColumnSpec(code="phone", kind="text", name="电话", personal=True),),
    )
    assert shown_rows(spec, [{"phone": "13800138000"}]) == [{"phone": "***"}]
