#!/usr/bin/env python
"""Django's command line. Commands that change tables connect as their owner, all others as the web role."""

import os
import sys

OWNER_COMMANDS = frozenset({"migrate", "makemigrations", "squashmigrations", "sqlmigrate", "flush"})


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "commandcenter.settings.dev")
    if len(sys.argv) > 1 and sys.argv[1] in OWNER_COMMANDS:
        os.environ["CC_DATABASE_ROLE"] = "owner"
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
