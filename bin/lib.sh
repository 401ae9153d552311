# Shared by every command in bin/. Sourced, never run.
# It finds the checkout, keeps the secrets in var/env and knows where the private PostgreSQL and Redis live.

set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
VAR=${CC_VAR:-$ROOT/var}
VENV=$ROOT/.venv
export CC_VAR=$VAR

say() { printf '%s\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

is_root() { [[ $(id -u) -eq 0 ]]; }

# Root starts PostgreSQL as this user, because PostgreSQL refuses to run as root.
PG_USER=postgres
as_pg() { if is_root; then (cd / && runuser -u "$PG_USER" -- "$@"); else "$@"; fi; }

short_hash() { printf '%s' "$1" | sha256sum | cut -c1-10; }
random_hex() { od -An -N"${1:-32}" -tx1 /dev/urandom | tr -d ' \n'; }

# The newest PostgreSQL (15 or later) on this machine that has PostGIS.
find_postgres() {
    local dir best=""
    for dir in /usr/lib/postgresql/*/bin; do
        local major=${dir#/usr/lib/postgresql/}; major=${major%/bin}
        [[ $major =~ ^[0-9]+$ && $major -ge 15 && -x $dir/initdb ]] || continue
        [[ -e /usr/share/postgresql/$major/extension/postgis.control ]] || continue
        [[ -z $best || $major -gt $best ]] && best=$major
    done
    [[ -n $best ]] && printf '/usr/lib/postgresql/%s/bin' "$best"
}

# ---------------------------------------------------------------- secrets, written once

write_env_once() {
    mkdir -p "$VAR"
    if [[ -e $VAR/env && ! -r $VAR/env ]]; then
        die "$VAR/env belongs to $(stat -c %U "$VAR/env"), who ran this checkout first; go on as that user"
    fi
    if [[ ! -s $VAR/env ]]; then
        (
            umask 077
            {
                echo "# Secrets of this checkout's private services. Written once, never committed."
                echo "CC_SECRET_KEY=$(random_hex 32)"
                echo "CC_FIELD_KEY=$(random_hex 32)"
                echo "CC_AUDIT_KEY=$(random_hex 32)"
                echo "CC_DATABASE_USER=cc_web"
                echo "CC_DATABASE_PASSWORD=$(random_hex 16)"
                echo "CC_DATABASE_OWNER=cc_owner"
                echo "CC_DATABASE_OWNER_PASSWORD=$(random_hex 16)"
                echo "CC_REDIS_PASSWORD=$(random_hex 16)"
                echo "CC_DEMO_PASSWORD=demo-$(random_hex 4)"
            } > "$VAR/env.new"
            printf '%s\n' "$(random_hex 16)" > "$VAR/pg_superuser"
            mv "$VAR/env.new" "$VAR/env"
        )
    fi
}

# Reads KEY=VALUE lines; what the caller's environment already says wins.
read_env_file() {
    local key value
    while IFS='=' read -r key value; do
        [[ $key =~ ^[A-Z_][A-Z0-9_]*$ ]] || continue
        [[ -n ${!key+x} ]] || export "$key=$value"
    done < "$1"
}

# ---------------------------------------------------------------- where the services live

# Sets PG_HOME (cluster files), PG_SOCKET (folder), REDIS_HOME, REDIS_SOCKET (file).
place_services() {
    PG_HOME=$VAR/postgres
    PG_SOCKET=$VAR/postgres/socket
    REDIS_HOME=$VAR/redis
    local tag; tag=$(short_hash "$VAR")
    if is_root; then
        # The cluster belongs to another user, who may not be allowed into this folder.
        mkdir -p "$VAR"
        if ! id "$PG_USER" >/dev/null 2>&1; then
            die "there is no user '$PG_USER' yet; run bin/setup first"
        fi
        if [[ -d /var/lib/commandcenter/$tag/postgres ]] || ! as_pg test -x "$VAR"; then
            PG_HOME=/var/lib/commandcenter/$tag/postgres
            PG_SOCKET=$PG_HOME/socket
        fi
    fi
    # A socket's whole path must stay under 108 bytes.
    if (( ${#PG_SOCKET} > 85 )); then PG_SOCKET=$(short_folder "$tag")/pg; fi
    local redis_folder=$REDIS_HOME
    if (( ${#redis_folder} > 85 )); then redis_folder=$(short_folder "$tag")/redis; fi
    REDIS_SOCKET=$redis_folder/redis.sock
}

# A short folder outside the checkout for sockets, which only their owner may enter.
short_folder() {
    local base=/tmp
    if ! is_root && [[ -n ${XDG_RUNTIME_DIR:-} && -w ${XDG_RUNTIME_DIR:-} ]]; then base=$XDG_RUNTIME_DIR; fi
    local folder=$base/commandcenter-$(id -u)-$1
    if is_root; then folder=/var/lib/commandcenter/$1/s; fi
    printf '%s' "$folder"
}

make_private_folder() { # folder, owner
    local parent; parent=$(dirname "$1")
    mkdir -p -m 0711 "$parent"
    [[ -O $parent && ! -L $parent ]] || is_root || die "$parent belongs to somebody else"
    [[ -d $1 ]] || mkdir -m 0700 "$1"
    [[ ! -L $1 ]] || die "$1 is a symbolic link; refusing to put a socket there"
    if is_root; then chown "$2" "$1"; fi
    chmod 0700 "$1"
    [[ -O $1 ]] || is_root || die "$1 belongs to somebody else"
}

# The environment every Python process of ours needs.
load_env() {
    write_env_once
    place_services
    local own_name=${CC_DATABASE_NAME:-}
    read_env_file "$VAR/env"
    : "${CC_DATABASE_HOST:=$PG_SOCKET}" "${CC_DATABASE_PORT:=5432}" "${CC_DATABASE_NAME:=${own_name:-commandcenter}}"
    : "${CC_REDIS_URL:=unix://:$CC_REDIS_PASSWORD@$REDIS_SOCKET?db=0}"
    : "${DJANGO_SETTINGS_MODULE:=commandcenter.settings.dev}"
    export CC_DATABASE_HOST CC_DATABASE_PORT CC_DATABASE_NAME CC_REDIS_URL DJANGO_SETTINGS_MODULE
    if [[ -d $VENV/bin ]]; then export PATH=$VENV/bin:$PATH; fi
    export PYTHONUNBUFFERED=1
}

# For Python processes that nobody started through bin/: an editor, a plain pytest.
write_services_env() {
    (
        umask 077
        printf '%s\n' "CC_DATABASE_HOST=$PG_SOCKET" "CC_DATABASE_PORT=5432" \
            "CC_REDIS_URL=unix://:$CC_REDIS_PASSWORD@$REDIS_SOCKET?db=0" > "$VAR/services.env.$$"
        mv "$VAR/services.env.$$" "$VAR/services.env"
    )
}

need_venv() { [[ -x $VENV/bin/python ]] || die "there is no virtual environment yet; run bin/setup"; }

# ---------------------------------------------------------------- questions to the services

psql_as() { # role, password, database, further psql arguments
    local role=$1 password=$2 database=$3; shift 3
    PGPASSWORD=$password "$PG_BIN/psql" -X -q -At -v ON_ERROR_STOP=1 \
        -h "$PG_SOCKET" -p 5432 -U "$role" -d "$database" "$@"
}
psql_super() { local database=$1; shift; psql_as postgres "$(cat "$VAR/pg_superuser")" "$database" "$@"; }
psql_owner() { local database=$1; shift; psql_as "$CC_DATABASE_OWNER" "$CC_DATABASE_OWNER_PASSWORD" "$database" "$@"; }

redis_ask() { REDISCLI_AUTH=$CC_REDIS_PASSWORD redis-cli -s "$REDIS_SOCKET" "$@" 2>/dev/null; }

postgres_up() { [[ -n ${PG_BIN:=$(find_postgres)} ]] && "$PG_BIN/pg_isready" -q -h "$PG_SOCKET" -p 5432; }
redis_up() { [[ -S $REDIS_SOCKET ]] && [[ $(redis_ask ping) == PONG ]]; }

# True when the environment points at our own private services rather than at somebody's servers.
uses_private_services() { [[ $CC_DATABASE_HOST == "$PG_SOCKET" ]]; }

services_up() { postgres_up && redis_up; }

ensure_services() {
    uses_private_services || return 0
    services_up || "$ROOT/bin/services" start
    PG_BIN=$(find_postgres)
}

ensure_database() { # name
    uses_private_services || return 0
    [[ $1 =~ ^[a-z_][a-z0-9_]*$ ]] || die "'$1' is not a plain database name"
    if [[ -z $(psql_owner postgres -c "SELECT 1 FROM pg_database WHERE datname = '$1'") ]]; then
        psql_owner postgres -c "CREATE DATABASE $1" || true
        say "created the database $1"
    fi
}
