# Adds a line to the journal in $1 (.deploy): its number and the time before $2, the rest of a JSON object. With $3 it is on the
# disk, and with it all lines before it, when this ends. Only the holder of the lock writes, so counting is numbering: a line
# that a full disk cut short gets its end and keeps its number. A journal that cannot be written keeps nobody from anything.
cd "$1" 2>/dev/null || exit 0
umask 077
count=0 end=''
if [ -s journal.jsonl ]; then
  count=$(wc -l <journal.jsonl) 2>/dev/null || exit 0
  [ "$(tail -c 1 journal.jsonl | wc -l)" -gt 0 ] || end='\n' count=$((count + 1))
fi
# shellcheck disable=SC2059
{ printf "$end"'{"seq":%d,"at":"%s",%s\n' "$((count + 1))" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$2" >>journal.jsonl; } 2>/dev/null || exit 0
[ -z "$3" ] || sync journal.jsonl 2>/dev/null || : # where sync takes no names (coreutils before 8.24, macOS) it syncs everything
