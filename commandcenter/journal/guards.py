"""Tables that only grow. The database itself refuses every change to what was written.

One thing may leave such a row: the values of a person who was erased by law. `journal_hide_row` puts
stars in their place in the columns of free text named below, and in nothing else; it asks for a row of
`journal_redaction` written in the same transaction, so that no text is hidden without a record of it.
"""

from django.db import migrations

TEXTS = ("note", "reason", "title", "detail", "answer", "body", "report", "repeats", "changed")

_REFUSE = """
CREATE OR REPLACE FUNCTION journal_texts() RETURNS text[] LANGUAGE sql IMMUTABLE AS
$$ SELECT string_to_array('{texts}', ' ') $$;

CREATE OR REPLACE FUNCTION journal_hide(old text, needles text[]) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE needle text;
BEGIN
    FOREACH needle IN ARRAY needles LOOP old := replace(old, needle, '***'); END LOOP;
    RETURN old;
END $$;

CREATE OR REPLACE FUNCTION journal_hide(old jsonb, needles text[]) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE jsonb_typeof(old)
        WHEN 'string' THEN to_jsonb(journal_hide(old #>> '{}', needles))
        WHEN 'number' THEN CASE WHEN old #>> '{}' = ANY(needles) THEN to_jsonb('***'::text) ELSE old END
        WHEN 'array' THEN (SELECT coalesce(jsonb_agg(journal_hide(value, needles) ORDER BY place), '[]')
                           FROM jsonb_array_elements(old) WITH ORDINALITY AS each(value, place))
        WHEN 'object' THEN (SELECT coalesce(jsonb_object_agg(journal_hide(key, needles),
                                                             journal_hide(value, needles)), '{}')
                            FROM jsonb_each(old) AS each(key, value))
        ELSE old END
$$;

CREATE OR REPLACE FUNCTION journal_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND TG_TABLE_NAME <> 'journal_redaction' THEN
        IF to_jsonb(NEW) - journal_texts() = to_jsonb(OLD) - journal_texts() AND EXISTS (
            SELECT FROM journal_redaction WHERE table_name = TG_TABLE_NAME
            AND row_id = (to_jsonb(OLD) ->> 'id')::bigint AND xid = pg_current_xact_id()::text::bigint
        ) THEN RETURN NEW; END IF;
    END IF;
    RAISE EXCEPTION 'table % is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE OR REPLACE FUNCTION journal_hide_row(the_table text, the_row bigint, needles text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE changes text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = to_regclass('public.' || quote_ident(the_table))
                   AND tgname = the_table || '_append_only') THEN
        RAISE EXCEPTION 'table % is not append-only', the_table USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF EXISTS (SELECT FROM unnest(needles) AS needle WHERE needle IS NULL OR length(needle) < 2) THEN
        RAISE EXCEPTION 'too short to be looked for' USING ERRCODE = 'insufficient_privilege';
    END IF;
    SELECT string_agg(format('%1$I = journal_hide(%1$I, $1)::%2$s', attname,
                             format_type(atttypid, atttypmod)), ', ')
    INTO changes FROM pg_attribute WHERE attrelid = to_regclass('public.' || quote_ident(the_table))
    AND attname = ANY(journal_texts()) AND NOT attisdropped
    AND atttypid IN ('text'::regtype, 'varchar'::regtype, 'jsonb'::regtype);
    EXECUTE format('UPDATE %I SET %s WHERE id = $2', the_table, changes) USING needles, the_row;
END $$;
REVOKE ALL ON FUNCTION journal_hide_row(text, bigint, text[]) FROM PUBLIC;
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'cc_web') THEN
        GRANT EXECUTE ON FUNCTION journal_hide_row(text, bigint, text[]) TO cc_web;
    END IF;
END $$;
""".replace("{texts}", " ".join(TEXTS))

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
