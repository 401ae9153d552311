"""Schemathesis gives all tests of one function the same node id, and xdist then runs only one of them."""

from pathlib import Path

import pytest
from _pytest.nodeid import coerce_node_id

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    own = [item for item in items if item.path.parent == HERE]
    for item in own:
        label = getattr(item, "operation_label", None)
        if label and not item.nodeid.endswith("]"):
            item._id = coerce_node_id(f"{item.nodeid}[{label}]")
    # Should pytest name its tests in another way one day, this says so before tests go missing.
    if len({item.nodeid for item in own}) < len(own):
        raise pytest.UsageError("tests/api: two tests share a node id")
