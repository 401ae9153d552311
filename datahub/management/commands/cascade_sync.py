"""cascade_sync PEER [--once]: fetch from a peer what is new. The last line is JSON."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from datahub.cascade.models import Peer
from datahub.cascade.services import sync_peer
from datahub.cascade.services.syncing import PAGE_ROWS


class Command(BaseCommand):
    help = "Fetch the peer's catalogue and the new rows of every route; safe to kill and to repeat."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("peer")
        parser.add_argument("--once", action="store_true", help="one batch per route")
        parser.add_argument("--rows", type=int, default=PAGE_ROWS, help="rows of a batch")

    def handle(self, *args: Any, **options: Any) -> None:
        if not Peer.objects.filter(code=options["peer"]).exists():
            raise CommandError(f"no such peer: {options['peer']}")
        done = sync_peer(peer_code=options["peer"], once=options["once"], page_rows=options["rows"])
        for error in done["errors"]:
            self.stderr.write(error)
        self.stdout.write(json.dumps(done, ensure_ascii=False))
        if done["errors"]:
            raise SystemExit(1)
