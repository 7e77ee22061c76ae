# shellcheck disable=SC2154 # the variables are which.sh's
# Which release answers, and what it takes until it is the new one (which.sh comes before this, opcache.php after it): $1 token,
# $2 login, $3 and $4 name and text of the script that runs in the pool, or nothing, $5 the URL, $6 that of the page for this; then PHP and its words.
token=$1 login=$2 script=$3 pool=$4 url=$5 once=$6
shift 6
[ "$told" = 0 ] || url=''
[ "$paged" = 0 ] || once=''
if [ -n "$script" ]; then
  script=$root/releases/$release/$script
  trap 'hush "$release" "$before"; rm -f -- "$script" "${script%/*}/.laravel-fab"' EXIT
  (umask 022; printf '%s' "$pool" >"$script"; printf '%s\n' "$proof" >"${script%/*}/.laravel-fab")
fi
exec 3<<END-OF-LOGIN
$login
X-Laravel-Fab: $token
END-OF-LOGIN
set -- "$@" "$url" "$script" "$once"
