"""Everything that lies anywhere, as text: what a person with a shovel would find."""

import gzip
import os
import subprocess
from pathlib import Path

import pyarrow.parquet as pq
from django.conf import settings
from django.db import connection

from tests.support.database import owner_cursor


def lake_text():
    """All Parquet files on the disk, in the table or not, decoded, and the tables' logs."""
    found = []
    for path in Path(settings.LAKE_URL).rglob("*"):
        if not path.is_file():
            continue
        found.append(path.read_bytes().decode("utf-8", "replace"))
        if path.suffix == ".parquet":
            found.append(str(pq.read_table(path, partitioning=None).to_pylist()))
            found.append(str(pq.ParquetFile(path).metadata.to_dict()))
    return "\n".join(found)


def raw_text():
    found = []
    for path in Path(settings.MEDIA_ROOT).rglob("*"):
        if path.is_file():
            body = path.read_bytes()
            found.append(
                (gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body).decode("utf-8", "replace")
            )
    return "\n".join(found)


def database_text():
    """Every table of the database, as a dump writes it."""
    lines = []
    with owner_cursor(connection.settings_dict["NAME"]) as cursor:
        cursor.execute(
            "SELECT quote_ident(relname) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
        )
        for (name,) in cursor.fetchall():
            if name == "spatial_ref_sys":
                continue
            cursor.execute(f"SELECT t::text FROM {name} t")
            lines += [f"{name}: {row}" for (row,) in cursor.fetchall()]
    return "\n".join(lines)


def dump():
    """pg_dump itself, as a backup makes it."""
    at = connection.settings_dict
    owner = settings.DATABASE_OWNER
    binary = next(
        (p for p in sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_dump"), reverse=True)), "pg_dump"
    )
    made = subprocess.run(
        [str(binary), "-h", at["HOST"], "-p", str(at["PORT"] or 5432), "-U", owner["USER"], "--inserts",
         "-t", "datahub_*", "-t", "journal_*", at["NAME"]],
        env={**os.environ, "PGPASSWORD": owner["PASSWORD"]}, capture_output=True, timeout=60, check=True,
    )  # fmt: skip
    return made.stdout.decode()
