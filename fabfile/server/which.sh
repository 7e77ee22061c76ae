# Lets releases of site $root say that it is they who answer (inside.sh comes before this): $which is the PHP for it, $proof what
# stands beside it. Their public/index.php requires storage/framework/maintenance.php where it is there, in all of Laravel since 8
# (laravel/laravel: public/index.php). What `artisan down` has put there is never touched. Where a release has no such line,
# each gets a page of its own in public/, $name, which goes with the script; in a document root of the host's own ($fixed), that does.
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
page() ( # FOLDER PATH: as tell, for a page there
  [ -d "$1/$2" ] && inside "$1" "$2" || exit 1
  umask 022
  # shellcheck disable=SC2016 # PHP's
  printf '<?php\n// laravel-fab asks\n$proof = "%s"; ?>\n%s' "$proof" "$page" 2>/dev/null >"./$name" || { rm -f -- "./$name"; exit 73; }
)
pages() { # what it says of the release that matters
  if [ -n "$fixed" ]; then page "$fixed" . || return; return 0; fi
  for folder in "$root"/releases/[0-9]*/; do # an older one may answer as well
    [ "${folder%/}" = "$root/releases/$release" ] || page "${folder%/}" public || :
  done
  page "$root/releases/$release" public
}
unpage() ( # FOLDER PATH: also what a client that died has left
  [ -d "$1/$2" ] && inside "$1" "$2" || exit 0
  for file in ./fab-*.php; do ! ours "$file" || rm -f -- "$file"; done
)
hush() ( # RELEASE …
  rm -f -- "$root"/.deploy/which.*
  for file in "$root"/releases/[0-9]*/public/fab-*.php; do [ ! -f "$file" ] || unpage "${file%/public/*}" public; done
  [ -z "$fixed" ] || unpage "$fixed" .
  for id; do
    [ -z "$id" ] || [ ! -d "$root/releases/$id/storage/framework" ] || (
      inside "$root/releases/$id" storage/framework || exit 0
      rm -f ./.laravel-fab
      ! ours ./maintenance.php || rm -f ./maintenance.php
    )
  done
)
root=$1 which=$2 hash=$3 seconds=$4 release=$5 before=$6 name=$7 page=$8 fixed=$9
shift 9
trap 'hush "$release" "$before"' EXIT
trap 'exit 143' HUP INT PIPE TERM
# What told and paged say: 0 somebody will tell, 1 nobody can, 73 no file can be written.
proof="$hash $(($(date +%s) + seconds))" told=1 paged=1
if [ -n "$which" ]; then
  told=0
  tell "$release" || told=$?
  if [ "$told" = 0 ] && { [ -z "$before" ] || tell "$before"; }; then name=''; fi
fi
if [ -n "$name" ] && [ "$told" != 73 ]; then
  paged=0
  # shellcheck disable=SC2034 # for what comes after this
  pages || paged=$?
fi
