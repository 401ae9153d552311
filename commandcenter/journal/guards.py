"""Tables that only grow. The database itself refuses every change to what was written."""

from django.db import migrations

_REFUSE = """
CREATE OR REPLACE FUNCTION journal_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'table % is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
"""

_GUARD = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'cc_web') THEN
        REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM cc_web;
        GRANT SELECT, INSERT ON {table} TO cc_web;
    END IF;
END $$;
CREATE OR REPLACE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION journal_refuse_change();
"""


def append_only(table: str) -> list[migrations.RunSQL]:
    """Operations for a migration that closes `table` against UPDATE and DELETE.

    The web role keeps INSERT and SELECT; a trigger stops the owner too. A migration that
    must repair such a table has to drop the trigger in the open.
    """
    undo = f"DROP TRIGGER IF EXISTS {table}_append_only ON {table};"
    return [
        migrations.RunSQL(_REFUSE, migrations.RunSQL.noop),
        migrations.RunSQL(_GUARD.format(table=table), undo),
    ]
