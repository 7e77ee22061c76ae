# Lets releases of site $root say that it is they who answer (inside.sh comes before this): $which is the PHP for it, $proof what
# stands beside it. Their public/index.php requires storage/framework/maintenance.php where it is there, in all of Laravel since 8
# (laravel/laravel: public/index.php). What `artisan down` has put there is never touched.
ours() { [ -f "$1" ] && [ ! -L "$1" ] && sed 1d "$1" | head -n 1 | grep -q '^// laravel-fab asks'; }
tell() ( # RELEASE: 0 it will tell, 1 it cannot, 73 no file can be written
  grep -qF storage/framework/maintenance.php "$root/releases/$1/public/index.php" 2>/dev/null || exit 1
  inside "$root/releases/$1" storage/framework || exit 1
  ours ./maintenance.php || { [ ! -e ./maintenance.php ] && [ ! -L ./maintenance.php ]; } || exit 1
  # Each is made where only we can write, and takes its place in one rename, or in none: what stands there may be a link.
  umask 022
  new=$root/.deploy/which.$$
  trap 'rm -f -- "$new"' EXIT
  printf '%s\n' "$proof" 2>/dev/null >"$new" || exit 73
  rm -f ./.laravel-fab && mv -f -- "$new" ./.laravel-fab || exit 73
  printf '%s' "$which" 2>/dev/null >"$new" || exit 73
  # Old enough for OPcache to keep it: then a request that is about to require it while it is taken away does not need it.
  touch -t 200001010000 "$new"
  if ours ./maintenance.php; then
    cmp -s "$new" ./maintenance.php || mv -f -- "$new" ./maintenance.php
  else
    ln -- "$new" ./maintenance.php 2>/dev/null || { [ ! -e ./maintenance.php ] && mv -- "$new" ./maintenance.php; }
  fi
)
hush() ( # RELEASE …
  rm -f -- "$root"/.deploy/which.*
  for id; do
    [ -z "$id" ] || [ ! -d "$root/releases/$id/storage/framework" ] || (
      inside "$root/releases/$id" storage/framework || exit 0
      rm -f ./.laravel-fab
      ! ours ./maintenance.php || rm -f ./maintenance.php
    )
  done
)
root=$1 which=$2 hash=$3 seconds=$4 release=$5 before=$6
shift 6
trap 'hush "$release" "$before"' EXIT
trap 'exit 143' HUP INT TERM
proof="$hash $(($(date +%s) + seconds))" told=1
if [ -n "$which" ]; then
  told=0
  tell "$release" || told=$?
  if [ "$told" = 0 ] && [ -n "$before" ]; then tell "$before" || :; fi
fi
