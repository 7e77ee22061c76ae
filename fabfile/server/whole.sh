# Is the backup $2 in the folder $1 whole, and of a $3 database? Without a name the newest is meant that a deployment made. Prints
# its name, its size in bytes, and when it was made.
name=$2
if [ -z "$name" ]; then
  for file in "$1"/db-*.gz; do
    case ${file##*/} in db-*[!0-9]*.gz) ;; db-*.gz) [ ! -f "$file" ] || name=${file##*/} ;; esac
  done
  [ -n "$name" ] || { echo "there is no backup in $1" >&2; exit 1; }
fi
file=$1/$name
if [ -L "$1" ] || [ -L "$file" ] || [ ! -f "$file" ]; then
  there=$(cd "$1" 2>/dev/null && printf '%s ' *.gz)
  echo "there is no backup $file; there are: $there" >&2
  exit 1
fi
gzip -t <"$file" || { echo "$file is damaged" >&2; exit 1; }
case $3 in
  sqlite) gzip -dc <"$file" | head -c 15 | grep -q '^SQLite format 3$' ;;
  mysql | mariadb) gzip -dc <"$file" | tail -n 1 | grep -q '^-- Dump completed' ;;
  pgsql) gzip -dc <"$file" | tail -n 9 | grep -q 'PostgreSQL database dump complete' ;;
  *) false ;;
esac || { echo "$file is not a whole backup of a $3 database" >&2; exit 1; }
printf '%s\n%s\n%s\n' "$name" "$(wc -c <"$file" | tr -d ' ')" "$(date -u -r "$file" '+%Y-%m-%d %H:%M UTC' 2>/dev/null || echo 'an unknown time')"
