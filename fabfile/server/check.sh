# What a deployment needs to know of a server; changes nothing. $1 is the site's folder, $2 its PHP, $3 the web server's group, $4 and
# $5 a fixed document root and how it is served (docroot.sh, as a function, comes before this); the rest are the shared folders.
site=$1 php=$2 group=$3 public=$4 mode=$5
shift 5
odd() { # what is there and no folder
  [ -d "$1" ] || { [ ! -e "$1" ] && [ ! -L "$1" ]; } || printf 'odd %s\n' "$1"
}
folder=$site
while [ ! -d "$folder" ]; do
  odd "$folder"
  folder=$(dirname -- "$folder")
done
printf 'folder %s\n' "$folder"
if [ -w "$folder" ]; then printf 'writable yes\n'; fi
if [ -d "$site" ]; then printf 'really %s\n' "$(cd -P -- "$site" && pwd -P)"; fi
if [ -d "${HOME:-}" ]; then printf 'home %s\n' "$(cd -P -- "$HOME" && pwd -P)"; fi
df -Pk "$folder" | awk 'NR == 2 { sub("%", "", $5); print "used " $5; print "free " $4 }'
df -Pi "$folder" 2>/dev/null | awk 'NR == 2 { sub("%", "", $5); print "inodes " $4; print "filled " $5 }'
for tool in tar gzip "$php"; do command -v "$tool" >/dev/null 2>&1 || printf 'missing %s\n' "$tool"; done
# shellcheck disable=SC2016
if command -v "$php" >/dev/null 2>&1; then
  "$php" -r 'echo "php ", PHP_VERSION, "\nextensions ", implode(" ", get_loaded_extensions()), "\n";' </dev/null
fi
if [ -e "$site/shared/.env" ] || [ -L "$site/shared/.env" ]; then printf 'env yes\n'; fi
if [ -L "$site/current" ]; then
  link=$(readlink "$site/current")
  case $link in *[!0-9a-z/.]*) link=$(printf %s "$link" | tr '\n' '?') ;; esac
  printf 'current %s\n' "$link"
elif [ -e "$site/current" ]; then
  printf 'blocked current\n'
fi
for file in artisan index.php public; do [ ! -e "$site/$file" ] || printf 'foreign %s\n' "$file"; done
for part in releases shared backups .deploy .deploy/releases; do odd "$site/$part"; done
for part in .deploy .deploy/lock .deploy/releases releases backups shared/.env; do
  part=$site/$part
  if [ ! -e "$part" ] || { [ -r "$part" ] && { [ -w "$part" ] || [ "${part##*/}" = .env ]; }; }; then continue; fi
  me=$(id -un 2>/dev/null) || me=$(id -u)
  # shellcheck disable=SC2012 # of the path, which is last, nothing is read
  printf 'closed %s %s %s\n' "$(ls -ld -- "$part" | awk '{ print $3; exit }')" "$me" "$part"
done
for path; do
  path=$site/shared/$path
  while [ ! -d "$path" ] && [ "$path" != "$site/shared" ]; do
    odd "$path"
    path=${path%/*}
  done
done
# Below a folder that hands its own group on, nobody has to be a member.
if [ -n "$group" ] && [ ! -g "$folder" ]; then
  case " $(id -Gn) $(id -G) " in
    *" $group "*) ;;
    *)
      me=$(id -un 2>/dev/null) || me=$(id -u)
      if [ "$(id -u)" != 0 ] || { command -v getent && ! getent group "$group"; } >/dev/null; then printf 'outside %s\n' "$me"; fi
      ;;
  esac
fi
if [ "$mode" != none ] && ! said=$(docroot "$site" "$public" "$mode" '' check 2>&1); then
  printf 'docroot %s\n' "$(printf %s "$said" | tr '\n' ' ')"
fi
