"""Deliver a file to a dataset. The last line printed is one JSON object."""

import json
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from commandcenter.core.errors import DomainError
from datahub.faults import Reason
from datahub.models import Delivery
from datahub.services import deliver
from datahub.states import DeliveryState

SHOWN = 10


class Command(BaseCommand):
    requires_system_checks: list[str] = []  # quick to start; bin/check runs them
    help = "Deliver a file (CSV, also .gz; XLSX; JSON lines, also .gz; Parquet) to a dataset."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("dataset")
        parser.add_argument("file")
        parser.add_argument("--mapping", help="name of a saved mapping; found by the header when not given")
        parser.add_argument("--history", action="store_true", default=None, help="nothing of it is live")
        parser.add_argument("--period", default="", help="the period or batch the source calls it by")
        parser.add_argument(
            "--as-of-today", action="store_true", help="move all times by whole hours so that the last is now"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        began = time.monotonic()
        try:
            delivery = deliver(
                dataset_code=options["dataset"],
                path=options["file"],
                history=options["history"],
                period=options["period"],
                as_of_today=options["as_of_today"],
                mapping=options["mapping"],
            )
        except DomainError as error:
            raise CommandError(str(error) or error.code) from error
        repeated = delivery.repeated
        self._explain(delivery, repeated)
        done = delivery.state == DeliveryState.COMMITTED and not repeated
        self.stdout.write(
            json.dumps(
                {
                    "delivery": delivery.pk,
                    "dataset": delivery.dataset.code,
                    "state": DeliveryState.UNCHANGED if repeated and not delivery.is_open else delivery.state,
                    "repeated": repeated,
                    "history": delivery.is_history,
                    "rows_in": 0 if repeated else delivery.rows_in,
                    "rows_committed": delivery.rows_committed if done else 0,
                    "rows_rejected": 0 if repeated else delivery.rows_rejected,
                    "rows_live": delivery.rows_live if done else 0,
                    "reason": delivery.reason,
                    "seconds": round(time.monotonic() - began, 3),
                },
                ensure_ascii=False,
            )
        )

    def _explain(self, delivery: Delivery, repeated: bool) -> None:
        """What a person should know, before the line for machines."""
        if repeated:
            self.stdout.write(f"the same delivery as {delivery.pk}: nothing was added")
            return
        for note in delivery.notes:
            self.stdout.write(f"{delivery.file_name}: {note['code']}: {note['detail']}")
        if delivery.state == DeliveryState.REFUSED:
            where = f", row {delivery.fault_row}" if delivery.fault_row else ""
            where += f", column {delivery.fault_column}" if delivery.fault_column else ""
            self.stderr.write(
                f"{delivery.file_name}{where}: {delivery.get_reason_display()} {delivery.detail}"
            )
        for reject in delivery.rejects.all()[:SHOWN]:
            column = f", column {reject.column}" if reject.column else ""
            said = f"{reject.raw!r} {reject.detail}".strip()
            where = f"{delivery.file_name}, row {reject.row_number}{column}"
            self.stderr.write(f"{where}: {Reason(reject.reason).label} ({said})")
        if delivery.rows_rejected > SHOWN:
            self.stderr.write(f"… and {delivery.rows_rejected - SHOWN} more rejected rows")
