# Tells the workers of site $1 to start again: each of the commands $5 is run in release $2 and in release $3 (if there is one), each
# of $6 once, in the older of them, where it may find nobody. What went wrong is said after the word $4. The rest is PHP.
root=$1 new=$2 old=$3 mark=$4 both=$5 once=$6
shift 6
COLUMNS=150
export COLUMNS
for command in $both; do
  (cd "$root/releases/$new" && exec "$@" artisan "$command" --no-interaction --no-ansi)
  [ -z "$old" ] || (cd "$root/releases/$old" && exec "$@" artisan "$command" --no-interaction --no-ansi) || printf '%s failed %s\n' "$mark" "$command"
done
for command in $once; do
  (cd "$root/releases/${old:-$new}" && exec "$@" artisan "$command" --no-interaction --no-ansi) || printf '%s nobody %s\n' "$mark" "$command"
done
