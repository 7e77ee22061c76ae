# Prints what a site's folder ($1) says of itself, a line each; changes nothing. $2 is PHP, where there is no flock.
printf 'now %s\n' "$(date -u +%Y%m%d%H%M%S)"
[ -d "$1" ] || exit 0
cd "$1" || exit 1
printf 'site yes\n'
if [ -L current ]; then
  link=$(readlink -n current && echo .)
  case $link in *[!0-9a-z/.]*) link=$(printf %s "$link" | tr '\n' '?') ;; esac
  printf 'current %s\n' "${link%.}"
fi
[ -L current ] || [ ! -e current ] || printf 'blocked current\n'
for folder in releases/*/; do
  id=${folder#releases/} id=${id%/}
  case $id in *[!0-9]* | '') continue ;; esac
  [ -L "releases/$id" ] || printf 'release %s\n' "$id"
done
for kind in releases lock manual; do
  for file in ".deploy/$kind".json ".deploy/$kind"/*.json; do
    if [ ! -f "$file" ] || [ ! -r "$file" ]; then continue; fi
    printf '%s' "$kind-json" # its text as one line, whoever wrote it
    while IFS= read -r row || [ -n "$row" ]; do printf ' %s' "$row"; done <"$file"
    printf '\n'
  done
done
for file in .deploy .deploy/lock; do # of another user: nothing can be seen or held
  if [ ! -e "$file" ] || { [ -r "$file" ] && [ -w "$file" ]; }; then continue; fi
  me=$(id -un 2>/dev/null) || me=$(id -u)
  # shellcheck disable=SC2012 # of the path, which is last, nothing is read
  printf 'closed %s %s %s\n' "$(ls -ld -- "$file" | awk '{ print $3; exit }')" "$me" "$1/$file"
done
if [ -f .deploy/lock ] && [ -r .deploy/lock ]; then
  if command -v flock >/dev/null 2>&1; then
    (flock -s -n 8) 8<.deploy/lock 2>/dev/null || printf 'held yes\n'
  elif command -v "$2" >/dev/null 2>&1; then
    # shellcheck disable=SC2016
    "$2" -n -r 'exit(flock(fopen(".deploy/lock", "r"), LOCK_SH | LOCK_NB) ? 0 : 1);' </dev/null || printf 'held yes\n'
  elif command -v perl >/dev/null 2>&1; then # macOS
    perl -MFcntl=:flock -e 'open(my $f, "<", ".deploy/lock") or exit 1; exit(!flock($f, LOCK_SH | LOCK_NB))' </dev/null || printf 'held yes\n'
  fi
fi
if [ -f .deploy/background ] && read -r said pid <.deploy/background; then # see probe.sh
  case $said in
    ends) printf 'ends background\n' ;;
    asked) kill -0 "$pid" 2>/dev/null || printf 'ends background\n' ;;
  esac
fi
if [ -L .deploy/confirmed ]; then # see confirm.sh
  printf 'confirmed %s\n' "$(readlink .deploy/confirmed)"
elif [ -f .deploy/confirmed ] && read -r _ release _ <.deploy/confirmed; then
  printf 'confirmed %s\n' "$release"
fi
[ ! -f .deploy/owed ] || printf 'owed yes\n'
for file in .deploy/pending .deploy/reverting; do
  if [ -e "$file" ] || [ -L "$file" ]; then printf 'unconfirmed yes\n'; fi
done
if [ -f current/storage/framework/down ]; then printf 'down yes\n'; fi
# Since Laravel 10 it can be kept in the cache instead (config/app.php), where no file tells of it.
if grep -Eq "^[[:space:]]*APP_MAINTENANCE_DRIVER=[\"']?cache" shared/.env 2>/dev/null; then printf 'unseen yes\n'; fi
