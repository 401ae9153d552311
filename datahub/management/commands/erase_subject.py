"""erase_subject --by USER --reason …: the number is read from standard input, not the command line."""

import getpass
import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.core.management.base import BaseCommand, CommandError

from commandcenter.core.errors import DomainError
from datahub.vault.erasing import erase_subject, find_subjects


class Command(BaseCommand):
    help = "Erase a person everywhere in the hub: key, free text, rejects, raw files. Cannot be undone."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--by", required=True, help="login name of the steward who answers for it")
        parser.add_argument("--reason", required=True)
        parser.add_argument("--commit", action="store_true", help="without it only says who is meant")

    def handle(self, *args: Any, **options: Any) -> None:
        user = get_user_model().objects.filter(username=options["by"]).first()
        if user is None:
            raise CommandError(f"no such user: {options['by']}")
        value = getpass.getpass("number: ") if sys.stdin.isatty() else sys.stdin.readline().strip()
        found = find_subjects(value)
        for subject in found:
            fields = subject.fields.values_list("dataset__code", flat=True).order_by().distinct()
            state = "erased" if subject.erased_at else ", ".join(sorted(fields))
            self.stdout.write(f"{subject.token}: {state}")
        if not options["commit"]:
            return
        try:
            for subject in found:
                erasure = erase_subject(token=subject.token, by=user, reason=options["reason"])
                self.stdout.write(json.dumps(erasure.report, ensure_ascii=False))
        except (DomainError, PermissionDenied) as error:
            raise CommandError(str(error)) from error
