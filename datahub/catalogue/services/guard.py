"""The duplicate guard's answers: who went on, why, and what was spared where somebody did not."""

from typing import Any

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from commandcenter.core import clock
from commandcenter.core.errors import BadInput, Problem, require
from commandcenter.journal.services import audit
from datahub.catalogue.duplicates import HOURS_PER_COLUMN, Repeat, held_columns
from datahub.catalogue.models import RepeatAnswer
from datahub.catalogue.policies import may_ask_guard
from datahub.catalogue.states import Decision
from datahub.models import Dataset


@transaction.atomic
def answer_repeats(
    *,
    title: str,
    repeats: list[Repeat],
    decision: str,
    by: Any,
    reason: str = "",
    dataset: Dataset | None = None,
) -> RepeatAnswer:
    """Write the answer down. Going on needs a reason; taking what is there counts the hours spared."""
    require(may_ask_guard(by))
    if decision == Decision.GO_ON and not reason.strip():
        raise BadInput(
            Problem(None, "reason", _("The city holds these columns already. Say why they are collected."))
        )
    saved = len(held_columns(repeats)) if decision == Decision.REUSE else 0
    answer = RepeatAnswer.objects.create(
        dataset=dataset,
        title=title[:200],
        decision=decision,
        reason=reason.strip(),
        repeats=[{"code": one.dataset.code, "columns": [held for _a, held in one.pairs]} for one in repeats],
        columns_saved=saved,
        hours_saved=saved * HOURS_PER_COLUMN,
        by=by,
        at=clock.now(),
    )
    audit(
        actor=by,
        action="datahub.answer_repeats",
        target_ref=dataset.ref if dataset else "",
        reason=reason.strip(),
        body={"decision": decision, "datasets": [one.dataset.code for one in repeats], "columns": saved},
    )
    return answer


def saved_so_far() -> dict[str, Any]:
    """Columns and hours spared since the beginning, and how often somebody went on all the same."""
    totals = RepeatAnswer.objects.aggregate(columns=Sum("columns_saved"), hours=Sum("hours_saved"))
    return {
        "columns": totals["columns"] or 0,
        "hours": totals["hours"] or 0,
        "gone_on": RepeatAnswer.objects.filter(decision=Decision.GO_ON).count(),
    }
