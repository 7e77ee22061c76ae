# Starts PHP's built-in server for one visit to release $1 that nobody else can pay, on loopback: $port is where it listens, or empty
# where it cannot. $2 is the folder for its script ($3) and its log, $4 the token that a visitor has to show and $5 its hash; $6 scheme,
# $7 host name, $8 path, $9 how many seconds may be taken; then PHP and its words. It ends with this script, however that ends.
# shellcheck disable=SC2034 # for what comes after this
release=$1 place=$2 script=$3 token=$4 hash=$5 scheme=$6 host=$7 path=$8 seconds=$9
shift 9
umask 077
for file in "$place"/health.*; do # what a server that lost its power has left
  pid=${file##*/health.} pid=${pid%%.*}
  [ ! -f "$file" ] || kill -0 "$pid" 2>/dev/null || rm -f -- "$file"
done
router=$place/health.$$.php log=$place/health.$$.log port='' server=''
trap '[ -z "$server" ] || { kill "$server" || :; wait "$server" || :; } 2>/dev/null; rm -f -- "$router" "$log"' EXIT
trap 'exit 143' HUP INT PIPE TERM
unset PHP_CLI_SERVER_WORKERS # all of whom would have to be ended
[ "$scheme" = https ] && https=true || https=false
# shellcheck disable=SC2016 # PHP's
if { printf '<?php\n[$hash, $https] = ["%s", %s]; ?>\n%s' "$hash" "$https" "$script" >"$router" && : >"$log"; } 2>/dev/null; then
  "$@" -d display_errors=0 -S 127.0.0.1:0 -t "$release/public" "$router" >"$log" 2>&1 8>&- 9>&- &
  server=$!
  turns=0
  while [ -z "$port" ] && kill -0 "$server" 2>/dev/null && [ "$turns" -lt 250 ]; do
    sleep 0.02 2>/dev/null || sleep 1
    turns=$((turns + 1))
    while read -r row; do
      case $row in *http://127.0.0.1:[1-9]*) port=${row##*http://127.0.0.1:} port=${port%%[!0-9]*} && break ;; esac
    done <"$log"
  done
fi
exec 3<<END-OF-LOGIN

X-Laravel-Fab: $token
END-OF-LOGIN
