"""A dataset of persons and one of free text, for the tests of the vault."""

from datahub.declare import ColumnSpec, DatasetSpec
from tests.factories.datahub import csv_file

CLIENTS = DatasetSpec(
    code="test.clients",
    name="测试服务对象",
    privacy_class="personal",
    subject_column="id_number",
    key_columns=("id_number",),
    columns=(
        ColumnSpec(code="id_number", kind="text", name="证件号码", required=True, personal=True),
        ColumnSpec(code="name", kind="text", name="姓名", personal=True),
        ColumnSpec(code="phone", kind="text", name="电话", personal=True),
        ColumnSpec(code="remark", kind="text", name="备注"),
        ColumnSpec(code="age", kind="integer", name="年龄"),
    ),
)
LETTERS = DatasetSpec(
    code="test.letters",
    name="测试来信",
    key_columns=("number",),
    columns=(
        ColumnSpec(code="number", kind="text", name="编号", required=True),
        ColumnSpec(code="content", kind="text", name="内容"),
        ColumnSpec(code="pages", kind="integer", name="页数"),
    ),
)
ZHANG = {"id_number": "320602199001011234", "name": "张晓明", "phone": "13862901234"}
LI = {"id_number": "320602198502025678", "name": "李建国", "phone": "13912345678"}
VALUES = tuple(ZHANG.values())


def clients(folder, name="clients.csv", *, bad=False):
    """Two persons; `bad` adds a row of Zhang's that is rejected."""
    records = [
        {**ZHANG, "remark": "张晓明来电 13862901234，要求回访", "age": 35},
        {**LI, "remark": "无", "age": 40},
    ]
    if bad:
        records.append({**ZHANG, "id_number": "320602199001011234", "remark": "张晓明", "age": "张晓明"})
    return csv_file(folder, records, name)


def letters(folder, name="letters.csv"):
    records = [
        {"number": "1", "content": "请联系 13862901234 处理", "pages": 1},
        {"number": "2", "content": "与此无关", "pages": 2},
        {"number": "3", "content": "证件 320602199001011234", "pages": "13862901234 rejected"},
    ]
    return csv_file(folder, records, name)
