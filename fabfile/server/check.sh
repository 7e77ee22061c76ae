# What a deployment needs to know of a server; $1 is the site's folder, $2 its PHP; changes nothing.
folder=$1
while [ ! -d "$folder" ]; do folder=$(dirname -- "$folder"); done
printf 'folder %s\n' "$folder"
if [ -w "$folder" ]; then printf 'writable yes\n'; fi
if [ -d "$1" ]; then printf 'really %s\n' "$(cd -P -- "$1" && pwd -P)"; fi
if [ -d "${HOME:-}" ]; then printf 'home %s\n' "$(cd -P -- "$HOME" && pwd -P)"; fi
df -Pk "$folder" | awk 'NR == 2 { sub("%", "", $5); print "used " $5; print "free " $4 }'
df -Pi "$folder" 2>/dev/null | awk 'NR == 2 { print "inodes " $4 }'
for tool in tar gzip "$2"; do command -v "$tool" >/dev/null 2>&1 || printf 'missing %s\n' "$tool"; done
# shellcheck disable=SC2016
if command -v "$2" >/dev/null 2>&1; then
  "$2" -r 'echo "php ", PHP_VERSION, "\nextensions ", implode(" ", get_loaded_extensions()), "\n";' </dev/null
fi
if [ -e "$1/shared/.env" ] || [ -L "$1/shared/.env" ]; then printf 'env yes\n'; fi
if [ -e "$1/current" ] && [ ! -L "$1/current" ]; then printf 'blocked current\n'; fi
for file in artisan index.php public; do [ ! -e "$1/$file" ] || printf 'foreign %s\n' "$file"; done
