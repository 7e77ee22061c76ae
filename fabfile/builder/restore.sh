# Puts folder $2 of cache $1 into build $3, if there is one for its lock file (key.sh) and that is whole: the spare one (spare.sh) by a
# rename, else out of the archive. Says what it did. Where that was done already while the build was cloned, it only has to be moved, and
# what was found whole while it was fetched is not looked through again.
cache=$1 folder=$2 taken=${3%/*}/taken
shift 2
if [ -f "$taken/said" ] && [ "$1" != "$taken" ] && cmp -s "$taken/${2%% *}" "$1/${2%% *}"; then
  [ ! -d "$taken/$folder" ] || [ -e "$1/$folder" ] || mv -- "$taken/$folder" "$1/$folder"
  cat "$taken/said"
  rm -rf -- "$taken"
  exit 0
fi
key=$(key "$@")
if [ -z "$key" ] || ! cd "$cache" 2>/dev/null || [ ! -f "$folder-$key.sum" ]; then exit 0; fi
work=$1 archive=$folder-$key.tar spare=$folder-$key.spare
shift 3
if [ -d "$spare" ] && [ ! -e "$work/$folder" ]; then
  digest=''
  [ "$work" != "$taken" ] || digest=$(sed -n "s/^$spare //p" "$taken/checked" 2>/dev/null) || :
  [ -n "$digest" ] || digest=$(listed "$@" -- write "$spare/$folder" "$spare/list" "$folder.seen") || :
  if [ -n "$digest" ] && [ "$digest" = "$(cat "$spare/digest")" ] && mv -- "$spare/$folder" "$work/$folder"; then
    rm -rf -- "$spare"
    touch "$archive"
    echo restored
    exit 0
  fi
  rm -rf -- "$spare"
  echo damaged
fi
if [ "$(sum <"$archive")" != "$(cat "$folder-$key.sum")" ]; then
  rm -f -- "$archive" "$folder-$key.sum"
  echo damaged
  exit 0
fi
touch "$archive"
tar -xf "$archive" -C "$work"
echo restored
