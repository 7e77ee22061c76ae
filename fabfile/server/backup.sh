# Dumps a database to $1 (a .gz), as the connection that login.sh read says; prints what is worth a note, and its size. $2 is PHP.
# Fails when the dump did not complete: a pipe would hide that, so every part is checked on its own.
# shellcheck disable=SC2154 # login.sh sets what is not set here
out=${1%.gz}
trap 'rm -f -- "$out" "$out-journal" "$out.cnf" "$out.gz.part"' EXIT
trap 'exit 143' HUP INT PIPE TERM # dash runs no EXIT trap for a signal that nobody waits for
rm -f -- "${1%/*}"/db-*.cnf "${1%/*}"/db-*.part # of a backup that was killed; the password is in one of them
case ${driver-} in
  sqlite)
    # shellcheck disable=SC2016
    "$2" -r '$to = $argv[2]; $db = new SQLite3($argv[1], SQLITE3_OPEN_READONLY); $copy = new SQLite3($to);
      $db->busyTimeout(60000); // a visitor who writes, as each does where sessions are in the database, has it locked for a moment
      if (!$db->backup($copy) || $copy->querySingle("PRAGMA integrity_check") !== "ok") { exit(1); }' -- "$database" "$out"
    ;;
  mysql | mariadb)
    mysql_login >"$out.cnf"
    tool=$(command -v mariadb-dump || command -v mysqldump) || { echo "neither mariadb-dump nor mysqldump is there" >&2; exit 1; }
    # What MySQL's own adds by itself: who restores may not set the one, and other servers do not have the other.
    "$tool" --version | grep -qi mariadb || printf '[mysqldump]\nloose-set-gtid-purged=OFF\nloose-column-statistics=0\n' >>"$out.cnf"
    dump() {
      "$tool" --defaults-extra-file="$out.cnf" --default-character-set=utf8mb4 --single-transaction --quick --no-tablespaces --triggers \
        --hex-blob "$@" --result-file="$out" "$database"
    }
    # A routine that somebody else defined may be kept from us: the tables matter more.
    if ! dump --routines --events; then
      dump
      echo "note: stored routines and events could not be read and are not in it"
    fi
    if grep -Eq '^\) ENGINE=(MyISAM|Aria|MEMORY|CSV|ARCHIVE)' "$out"; then
      echo "note: tables that are not InnoDB may be of another moment than the rest"
    fi
    tail -n 1 "$out" | grep -q 'Dump completed' || { echo "the dump did not complete" >&2; exit 1; }
    ;;
  pgsql)
    pgsql_login >"$out.cnf"
    pgsql "$out.cnf" pg_dump -f "$out" "$database"
    tail -n 9 "$out" | grep -q 'PostgreSQL database dump complete' || { echo "the dump did not complete" >&2; exit 1; }
    ;;
  *) echo "no backup for the database driver '${driver-}'" >&2; exit 1 ;;
esac
[ -s "$out" ] || { echo "the dump is empty" >&2; exit 1; }
gzip -n -c -- "$out" >"$out.gz.part"
gzip -t <"$out.gz.part"
mv -- "$out.gz.part" "$1"
wc -c <"$1"
