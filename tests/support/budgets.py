"""Query counts that are written down and compared: `with query_budget("hotline.ticket_list"):`."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

BUDGETS = Path(__file__).resolve().parent.parent / "query_budgets.json"


def read_budgets() -> dict[str, int]:
    return json.loads(BUDGETS.read_text()) if BUDGETS.exists() else {}


@pytest.fixture
def query_budget(request) -> Callable[[str], AbstractContextManager[None]]:
    recording = request.config.getoption("--record-budgets")
    if recording and hasattr(request.config, "workerinput"):
        pytest.exit("record budgets in one process: bin/test --record-budgets -n 0", returncode=2)

    @contextmanager
    def budget(name: str) -> Iterator[None]:
        with CaptureQueriesContext(
            connection,
        ) as seen:
            yield
        budgets = read_budgets()
        if recording:
            already = name in _recorded
            budgets[name] = max(len(seen), budgets[name]) if already else len(seen)
            _recorded.add(name)
            BUDGETS.write_text(json.dumps(dict(sorted(budgets.items())), indent=2) + "\n")
            return
        if name not in budgets:
            pytest.fail(f"no budget for {name!r}; record it: bin/test --record-budgets -n 0 -k ...")
        if len(seen) > budgets[name]:
            queries = "\n".join(f"{n:3}. {q['sql'][:300]}" for n, q in enumerate(seen.captured_queries, 1))
            pytest.fail(f"{name}: {len(seen)} queries, budget {budgets[name]}\n{queries}")

    return budget


_recorded: set[str] = set()
