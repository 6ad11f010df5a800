# shellcheck shell=bash
#
# Shared by the start scripts of the Django servers, which source it after
# leash.sh. It runs PostgreSQL on a Unix socket in a private folder, and the
# Django project in the script's folder app under gunicorn.
#
# The settings modules read:
#
#   DJANGO_SECRET_KEY  a random key, the same for all instances
#   DATABASE_HOST      the folder with PostgreSQL's socket
#   OIDC_KEY_FILE      a private RSA key in PEM
#   PUBLIC_URL         the base URL of this instance
#   CODE_LIFETIME      lifetime of the codes in seconds; empty means the default
umask 077

python=$cache/$(basename "$here")/venv/bin/python
[ -x "$python" ] || fail "$python does not exist: run make setup"
need openssl curl

postgresql=$(printf '%s\n' /usr/lib/postgresql/*/bin/postgres | sort -V | tail -n 1)
postgresql=${postgresql%/*}
if [ ! -x "$postgresql/postgres" ]; then
    need postgres initdb pg_isready
    postgresql=$(dirname "$(command -v postgres)")
fi

# The path of a socket may have 107 bytes at most, so it cannot be in $dir.
socket_dir=$(mktemp -d /tmp/devicegrant.XXXXXX)
folders+=("$socket_dir")

DJANGO_SECRET_KEY=$(openssl rand -hex 32)
DATABASE_HOST=$socket_dir
OIDC_KEY_FILE=$dir/key.pem
PUBLIC_URL=$base
CODE_LIFETIME=''
export DJANGO_SECRET_KEY DATABASE_HOST OIDC_KEY_FILE PUBLIC_URL CODE_LIFETIME
export PYTHONPATH=$here/app DJANGO_SETTINGS_MODULE=settings
export PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$OIDC_KEY_FILE" 2>/dev/null

# PostgreSQL refuses to run as root. A change of user clears the death signal
# that leash.sh sets, so setpriv sets it again afterwards. SIGINT disconnects
# the clients; SIGTERM would wait for them.
database=(env -i "PATH=$PATH" LC_ALL=C)
if [ "$(id -u)" = 0 ]; then
    need setpriv
    id postgres >/dev/null 2>&1 || fail 'the user postgres does not exist: run make setup'
    chown postgres "$socket_dir"
    database+=(setpriv --reuid postgres --regid postgres --clear-groups)
    [ "${#leash[@]}" = 0 ] || database+=(--pdeathsig INT)
elif [ "${#leash[@]}" != 0 ]; then
    database+=(setpriv --pdeathsig INT)
fi

(cd / && "${database[@]}" "$postgresql/initdb" --pgdata "$socket_dir/data" \
    --username postgres --auth trust --encoding UTF8 --no-locale --no-sync \
    >"$dir/initdb.log" 2>&1 3<&- </dev/null) || {
    tail -n 15 "$dir/initdb.log" >&2
    fail 'initdb failed'
}
# The database is thrown away, so it need not survive a crash.
child "${database[@]}" "$postgresql/postgres" -D "$socket_dir/data" -k "$socket_dir" \
    -c listen_addresses= -c fsync=off -c synchronous_commit=off \
    -c full_page_writes=off -c shared_buffers=32MB
for attempt in {1..200}; do
    "$postgresql/pg_isready" --quiet --host "$socket_dir" --username postgres && break
    kill -0 "${children[-1]}" 2>/dev/null || fail 'PostgreSQL ended at once'
    [ "$attempt" -lt 200 ] || fail 'PostgreSQL did not answer within 20 seconds'
    sleep 0.1
done

# seed: creates the tables, the end users and the clients.
seed() {
    "${leash[@]}" "$python" "$here/app/seed.py" >&2 3<&- </dev/null || fail 'app/seed.py failed'
}

# instance PORT WORKERS CODE_LIFETIME PATH: serves the project and waits until
# PATH answers. Threads, because a browser's idle connections would block
# gunicorn's default workers. With --preload, the workers share memory.
instance() {
    PUBLIC_URL=http://127.0.0.1:$1 CODE_LIFETIME=$3 \
        child env -u CLIENT_SECRET -u USER_PASSWORD -u RESERVED_SECRET \
        -u DEVICEGRANT_CLIENT_SECRET -u DEVICEGRANT_PASSWORD \
        "$python" -m gunicorn --bind "127.0.0.1:$1" --preload --no-control-socket \
        --worker-class gthread --workers "$2" --threads 4 --graceful-timeout 1 \
        --log-level warning 'django.core.wsgi:get_wsgi_application()'
    await "http://127.0.0.1:$1$4" 60
}
