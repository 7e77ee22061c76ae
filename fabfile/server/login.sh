# Reads the database connection on descriptor 3 (KEY=VALUE lines). A login is written to a file that only we can read: arguments
# are anybody's.
# shellcheck disable=SC2034 # what comes after this uses them
umask 077
while IFS= read -r line <&3; do
  value=${line#*=} # not by IFS, which takes a last "=" away
  case ${line%%=*} in
    driver) driver=$value ;; host) host=$value ;; port) port=$value ;; socket) socket=$value ;;
    user) user=$value ;; password) password=$value ;; database) database=$value ;;
  esac
done
escaped() { printf '%s' "$1" | sed 's/[\\"]/\\&/g'; }
# For the programs of MySQL and MariaDB. A quote in a value ends it and a "#" after that begins a comment, unless a backslash says
# otherwise.
mysql_login() {
  printf '[client]\nuser="%s"\npassword="%s"\n' "$(escaped "$user")" "$(escaped "$password")"
  if [ -n "${socket-}" ]; then printf 'socket="%s"\n' "$(escaped "$socket")"; else printf 'host="%s"\nport="%s"\n' "${host:-127.0.0.1}" "${port:-3306}"; fi
}
# For those of PostgreSQL; with the words of a program, runs it as that user.
pgsql_login() {
  printf '*:*:*:*:%s\n' "$(printf '%s' "$password" | sed 's/[\\:]/\\&/g')"
}
pgsql() {
  file=$1 program=$2
  shift 2
  PGPASSFILE=$file "$program" --no-password -h "${host:-127.0.0.1}" -p "${port:-5432}" -U "$user" "$@"
}
