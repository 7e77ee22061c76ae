# Tells the workers of site $1 to start again: each of the commands $5 is run in release $2 and in release $3 (if there is one), each
# of $6 once, in the older of them, where it may find nobody. What went wrong is said after the word $4. The rest is PHP.
root=$1 new=$2 old=$3 mark=$4 both=$5 once=$6
shift 6
COLUMNS=150
export COLUMNS
tell() { # in release $1 command $2, with the rest
  release=$1 command=$2
  shift 2
  cd "$root/releases/$release" && exec "$@" artisan "$command" --no-interaction --no-ansi
}
for told in $both; do
  before=''
  if [ -n "$old" ]; then
    (tell "$old" "$told" "$@") &
    before=$!
  fi
  code=0
  (tell "$new" "$told" "$@") || code=$?
  [ -z "$before" ] || wait "$before" || printf '%s failed %s\n' "$mark" "$told"
  [ "$code" = 0 ] || exit "$code"
done
for told in $once; do
  (tell "${old:-$new}" "$told" "$@") || printf '%s nobody %s\n' "$mark" "$told"
done
