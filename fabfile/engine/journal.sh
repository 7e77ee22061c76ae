# Adds lines to the journal in $1 (.deploy): each its number and the time before $2, the rest of a JSON object. With $3 it is on the
# disk, and with it all lines before it, when this ends; $4 and $5 are those of the next line, and so on. Only the holder of the lock
# writes, so the last line's number is how many there are; they are counted where that was cut off. A line that a full disk cut short
# gets its end and keeps its number. A journal that cannot be written keeps nobody from anything.
cd "$1" 2>/dev/null || exit 0
shift
umask 077
count=0 end='' keep=''
if [ -s journal.jsonl ]; then
  last=$(tail -n 1 journal.jsonl 2>/dev/null && echo .) || exit 0
  case $last in *'
.') ;; *) end='\n' ;; esac
  count=${last#'{"seq":'} count=${count%%,*}
  case $count in
    *[!0-9]* | '' | ??????????*)
      count=$(wc -l <journal.jsonl) || exit 0
      [ -z "$end" ] || count=$((count + 1))
      ;;
  esac
fi
at=$(date -u +%Y-%m-%dT%H:%M:%SZ)
while [ "$#" -gt 0 ]; do
  count=$((count + 1)) keep=$keep$2
  # shellcheck disable=SC2059
  { printf "$end"'{"seq":%d,"at":"%s",%s\n' "$count" "$at" "$1" >>journal.jsonl; } 2>/dev/null || exit 0
  end=''
  shift 2
done
[ -z "$keep" ] || sync journal.jsonl 2>/dev/null || : # where sync takes no names (coreutils before 8.24, macOS) it syncs everything
