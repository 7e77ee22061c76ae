# What stands in releases/ ($1) and in whose way it is: its real path; a line for each entry that is not ours; and wherever a
# process that we may see works, runs from, has a file open, or where something is mounted: lines that name the path.
cd "$1" || exit 0
root=$(pwd -P)
printf 'root %s\n' "$root"
for entry in * .[!.]*; do
  if [ ! -e "$entry" ] && [ ! -L "$entry" ]; then continue; fi
  id=${entry#.}
  [ "$id" = "$entry" ] || id=${id%.partial}
  case $id in
    *[!0-9]*) ;;
    ??????????????) if [ -d "$entry" ] && [ ! -L "$entry" ] && { [ "$id" != "$entry" ] || [ -f "../.deploy/releases/$id.json" ]; }; then continue; fi ;;
  esac
  printf 'foreign %s\n' "$(printf '%s' "$entry" | tr '\n' '?')"
done
[ -d /proc/self ] || exit 0
{
  # shellcheck disable=SC2010 # lines are taken as they are
  ls -l /proc/[0-9]*/cwd /proc/[0-9]*/fd | grep -F -- " -> $root/" || :
  grep -hF -- " $root/" /proc/[0-9]*/maps || :
  sed 's/\\040/ /g' /proc/self/mounts | grep -F -- " $root/" || :
} 2>/dev/null
