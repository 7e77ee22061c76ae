# Confirms the switch to release $3 (rename.sh comes before this): $1 site, $2 run. Prints "confirmed", or "reverted" where the
# server has gone back, or is about to. What is in .deploy/confirmed counts for the release that serves, whatever its record says: that one
# cannot be written on a full disk, and a rename can. Without a watchman there is nothing to rename; a link needs no block either.
cd "$1" || exit 1
if mv .deploy/pending .deploy/confirmed 2>/dev/null; then
  if read -r watchman <".deploy/run/$2/watchman"; then kill -s KILL -- "-$watchman" 2>/dev/null || kill -s KILL "$watchman" 2>/dev/null || :; fi
elif [ -f .deploy/reverting ] || ! serves "$3"; then
  printf 'reverted\n'
  exit 0
elif [ -n "$3" ]; then
  rm -f .deploy/confirmed
  ln -s "$3" .deploy/confirmed 2>/dev/null || :
fi
printf 'confirmed\n'
