"""erase_subject --by A --approved-by B …: the values are read from standard input, not the command line."""

import getpass
import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.core.management.base import BaseCommand, CommandError

from commandcenter.core.errors import DomainError
from datahub.vault.asking import approve_erasure, ask_erasure
from datahub.vault.erasing import preview, run_erasure
from datahub.vault.knowing import find_subjects
from datahub.vault.models import ErasureRequest
from datahub.vault.states import ErasureState, Ground


class Command(BaseCommand):
    help = (
        "Erase a person everywhere: key, free text, rejects, files. Cannot be undone, and takes two stewards."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--by", required=True, help="login name of the steward who asks")
        parser.add_argument("--approved-by", help="login name of the steward who decides")
        parser.add_argument("--ground", choices=Ground.values, default=Ground.CONSENT)
        parser.add_argument("--reason", required=True)
        parser.add_argument("--commit", action="store_true", help="without it only says who is meant")

    def handle(self, *args: Any, **options: Any) -> None:
        by = _user(options["by"])
        values = [getpass.getpass("value: ")] if sys.stdin.isatty() else sys.stdin.read().splitlines()
        for subject in find_subjects(*values):
            fields = subject.fields.values_list("dataset__code", flat=True).order_by().distinct()
            state = "erased" if subject.erased_at else ", ".join(sorted(fields))
            self.stdout.write(f"{subject.token}: {state}")
        if not options["commit"]:
            return
        try:
            request = ask_erasure(values=values, ground=options["ground"], reason=options["reason"], by=by)
            self.stdout.write(json.dumps(preview(request.pk), ensure_ascii=False))
            if options["approved_by"]:
                approve_erasure(request_id=request.pk, by=_user(options["approved_by"]))
                request = ErasureRequest.objects.get(pk=request.pk)
                if request.state == ErasureState.APPROVED:
                    request = run_erasure(request.pk)
            self.stdout.write(f"{request.number}: {request.state}")
        except (DomainError, PermissionDenied) as error:
            raise CommandError(str(error)) from error


def _user(name: str) -> Any:
    user = get_user_model().objects.filter(username=name).first()
    if user is None:
        raise CommandError(f"no such user: {name}")
    return user
