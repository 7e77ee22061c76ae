# Goes back to the release before an unconfirmed switch, if there is one (rename.sh comes before this): $1 is the site, $2 PHP,
# $3 why. Whoever renames .deploy/pending decides: the one that confirms, or the one that goes back, never both. Only the holder
# of the lock goes back, so what is in .deploy/reverting was begun by somebody who is gone. Needs no free block: what is written
# down is written last, and may fail.
cd "$1" || exit 1
mv .deploy/pending .deploy/reverting 2>/dev/null || [ -f .deploy/reverting ] || exit 0
IFS=' ' read -r old new run <.deploy/reverting || :
kept() { # somebody else has decided meanwhile, or there is nothing to go back to
  rm -f .deploy/reverting
  printf 'kept %s %s\n' "$new" "$1"
  exit 0
}
case $old in '' | *[!0-9]*) kept 'nobody knows what' ;; esac
[ -d "releases/$old" ] || kept "$old, which is gone"
case $(readlink current) in
  "releases/$old" | "releases/$new" | '') ;;
  *) kept "$old, and somebody has chosen $(readlink current)" ;;
esac
if ! serves "$old"; then
  link=.deploy/previous
  [ "$(readlink "$link")" = "releases/$old" ] || link=.deploy/back
  [ -L "$link" ] || ln -s "releases/$old" "$link"
  rename "$link" "$old" "$2"
fi
sync -f current 2>/dev/null || sync
after=$(tail -n +2 .deploy/reverting) reset=''
if [ -n "$after" ]; then
  /bin/sh -s 8>&- 9>&- >/dev/null 2>&1 <<AFTER || reset=', OPcache could not be reset'
{
set -e
$after
} </dev/null
AFTER
fi
at=$(date -u +%Y-%m-%dT%H:%M:%SZ) why="$3$reset" line='====================================='
{
  umask 027
  [ ! -s .deploy/journal.jsonl ] || [ "$(tail -c 1 .deploy/journal.jsonl | wc -l)" -gt 0 ] || echo >>.deploy/journal.jsonl
  count=$(wc -l <.deploy/journal.jsonl) || count=0
  printf '{"seq":%d,"at":"%s","run":"%s","event":"reverted","release":"%s","serving":"%s","why":"%s"}\n' \
    "$((count + 1))" "$at" "$run" "$new" "$old" "$why" >>.deploy/journal.jsonl
  printf '%s\nDeployment: %s\nTimestamp: %s\nBy: the server itself\nStatus: ROLLED BACK\nServing: %s\nNote: %s\n%s\n' \
    "$line" "$new" "$at" "$old" "$why" "$line" >>deployment.log
} 2>/dev/null || :
mv -f .deploy/reverting .deploy/reverted
printf 'reverted %s %s%s\n' "$new" "$old" "$reset"
