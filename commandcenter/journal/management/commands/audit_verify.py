"""Walk the audit chain."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from commandcenter.journal.models import AuditSeal
from commandcenter.journal.seal import read_anchors, verify


class Command(BaseCommand):
    help = "Check that every audit row is as it was written; exit 1 where one is not."

    def handle(self, *args: Any, **options: Any) -> None:
        findings = list(verify())
        for finding in findings:
            self.stderr.write(f"seal {finding.position}: {finding.what}")
        self.stdout.write(
            json.dumps(
                {
                    "seals": AuditSeal.objects.count(),
                    "anchors": len(read_anchors()),
                    "findings": len(findings),
                }
            )
        )
        if findings:
            raise CommandError("the audit log is not as it was written")
