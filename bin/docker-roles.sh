#!/usr/bin/env bash
# Run once by the PostGIS image on an empty volume: the two roles, and the database given to its owner.
set -euo pipefail
psql -v ON_ERROR_STOP=1 -U postgres -d "$POSTGRES_DB" \
    -v owner=cc_owner -v owner_password="$CC_DATABASE_OWNER_PASSWORD" \
    -v web=cc_web -v web_password="$CC_DATABASE_PASSWORD" -f /roles.sql
psql -v ON_ERROR_STOP=1 -U postgres -d "$POSTGRES_DB" -c "ALTER DATABASE \"$POSTGRES_DB\" OWNER TO cc_owner"
