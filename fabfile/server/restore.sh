# Makes the database what it was in the backup $1 (a whole .gz), as the connection that login.sh read says; prints what is worth a
# note. What is in the database now goes, also what the backup does not know of. $2 is PHP.
# shellcheck disable=SC2154 # login.sh sets what is not set here
part=${1%.gz}
trap 'rm -f -- "$part.part" "$part.part-journal" "$part.part-wal" "$part.part-shm" "$part.cnf"' EXIT
trap 'exit 143' HUP INT PIPE TERM
case ${driver-} in
  sqlite)
    gzip -dc <"$1" >"$part.part"
    # Into the file that is there, in one transaction: it keeps its owner and mode, and whoever has it open sees all of it or nothing.
    # shellcheck disable=SC2016
    "$2" -r '$from = new SQLite3($argv[1]); if ($from->querySingle("PRAGMA integrity_check") !== "ok") { exit(1); }
      if ($new = !file_exists($argv[2])) { umask(0117); }
      $to = new SQLite3($argv[2]); $to->busyTimeout(60000);
      $from->exec("PRAGMA journal_mode=" . $to->querySingle("PRAGMA journal_mode"));
      if (!$from->backup($to) || $to->querySingle("PRAGMA integrity_check") !== "ok") { exit(1); }
      echo $new ? "note: the file was not there: see that the web server may write to it\n" : "";' -- "$part.part" "$database"
    ;;
  mysql | mariadb)
    mysql_login >"$part.cnf"
    tool=$(command -v mariadb || command -v mysql) || { echo "neither mariadb nor mysql is there" >&2; exit 1; }
    client() { "$tool" --defaults-extra-file="$part.cnf" --default-character-set=utf8mb4 --binary-mode --batch --raw --skip-column-names "$database"; }
    # The lines of a dump that say who defined a view, trigger, routine or event; rows never begin like them.
    # shellcheck disable=SC2016
    definer='DEFINER=`[^`]*`@`[^`]*`'
    defining='^(CREATE DEFINER=|/\*!50[0-9]* (CREATE\*/ )?.*DEFINER=)'
    grants=$(echo 'SHOW GRANTS;' | client)
    may() { printf '%s\n' "$grants" | grep -Eq "$1|ALL PRIVILEGES ON \\*\\.\\*"; }
    if ! may SUPER && [ "$(echo 'SELECT @@log_bin AND NOT @@log_bin_trust_function_creators;' | client)" = 1 ] &&
      gzip -dc <"$1" | grep -aE "$defining" | grep -aEq 'TRIGGER|FUNCTION'; then
      echo "this user may not create triggers and functions while log_bin_trust_function_creators is off: nothing was changed" >&2
      exit 1
    fi
    ours='&'
    if ! may 'SUPER|SET USER|SET_USER_ID|SET_ANY_DEFINER'; then
      ours='DEFINER=CURRENT_USER'
      me=$(client <<'END-OF-SQL'
SELECT CONCAT('DEFINER=`', SUBSTRING_INDEX(CURRENT_USER(), '@', 1), '`@`', SUBSTRING_INDEX(CURRENT_USER(), '@', -1), '`');
END-OF-SQL
      )
      others=$(gzip -dc <"$1" | grep -aE "$defining" | grep -aEo "$definer" | grep -avcF "$me" || :)
      [ "$others" = 0 ] || echo "note: $others views, triggers, routines or events had another definer, which this user may not set: now it is this user"
    fi
    # Routines and events only where the backup has its own: there may have been no right to read them.
    kept=$(gzip -dc <"$1" | grep -ac '^-- Dumping routines for database' || :)
    code=$([ "$kept" -gt 0 ] && echo TRUE || echo FALSE)
    drops=$(client <<END-OF-SQL
SELECT CONCAT('DROP ', IF(table_type IN ('VIEW', 'SEQUENCE'), table_type, 'TABLE'), ' IF EXISTS \`', REPLACE(table_name, '\`', '\`\`'), '\`;')
FROM information_schema.tables WHERE table_schema = DATABASE();
SELECT CONCAT('DROP ', routine_type, ' IF EXISTS \`', REPLACE(routine_name, '\`', '\`\`'), '\`;')
FROM information_schema.routines WHERE routine_schema = DATABASE() AND $code;
SELECT CONCAT('DROP EVENT IF EXISTS \`', REPLACE(event_name, '\`', '\`\`'), '\`;')
FROM information_schema.events WHERE event_schema = DATABASE() AND $code;
END-OF-SQL
    )
    {
      printf 'SET lock_wait_timeout=300, FOREIGN_KEY_CHECKS=0;\n%s\n' "$drops"
      gzip -dc <"$1" | LC_ALL=C sed -E "\\@$defining@s/$definer/$ours/g"
    } | client
    ;;
  pgsql)
    pgsql_login >"$part.cnf"
    # All in one transaction: a restore that fails has changed nothing. What belongs to an extension stays with it, and so does
    # its comment, which only its owner may set. Who has a table open is waited for, but not for ever.
    {
      cat <<'END-OF-SQL'
SET lock_timeout = '300s';
DO $drop$
DECLARE each text;
BEGIN
  FOR each IN
    SELECT format('DROP SCHEMA %I CASCADE', nspname) FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'public')
  LOOP EXECUTE each; END LOOP;
  FOR each IN
    SELECT format('DROP %s IF EXISTS public.%I CASCADE', kind, relname) FROM pg_class
    JOIN (VALUES ('r', 'TABLE'), ('p', 'TABLE'), ('v', 'VIEW'), ('m', 'MATERIALIZED VIEW'), ('S', 'SEQUENCE'), ('f', 'FOREIGN TABLE'), ('c', 'TYPE'))
      AS kinds (letter, kind) ON relkind = letter::"char"
    WHERE relnamespace = 'public'::regnamespace
      AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype IN ('e', 'i'))
    ORDER BY relkind <> ALL ('{r,p}'), relname
  LOOP EXECUTE each; END LOOP;
  FOR each IN
    SELECT format('DROP ROUTINE IF EXISTS %s CASCADE', pg_proc.oid::regprocedure) FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace
      AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = pg_proc.oid AND deptype = 'e')
  LOOP EXECUTE each; END LOOP;
  FOR each IN
    SELECT format('DROP TYPE IF EXISTS public.%I CASCADE', typname) FROM pg_type
    WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'd', 'r')
      AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_type'::regclass AND objid = pg_type.oid AND deptype = 'e')
  LOOP EXECUTE each; END LOOP;
  PERFORM lo_unlink(oid) FROM pg_largeobject_metadata WHERE lomowner = current_user::regrole;
END $drop$;
END-OF-SQL
      gzip -dc <"$1" | LC_ALL=C awk '
        /^COPY .* FROM stdin;$/ { rows = 1 }
        rows || !/^COMMENT ON EXTENSION / { print }
        /^\\\.$/ { rows = 0 }'
    } | pgsql "$part.cnf" psql --no-psqlrc --quiet --single-transaction -v ON_ERROR_STOP=1 -o /dev/null -d "$database" -f -
    ;;
  *) echo "no restore for the database driver '${driver-}'" >&2; exit 1 ;;
esac
