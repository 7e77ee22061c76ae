# Leaves a process behind that unpacks the archive of vendor in cache $1 that was used last once more, for the next build to take by a
# rename (restore.sh). It holds no lock and stays away from a disk that is getting full. The rest
# is PHP, for manifest.php: what was unpacked is listed, so that damage is seen when it is taken.
cd "$1" 2>/dev/null || exit 0
shift
{
  trap '' HUP
  # shellcheck disable=SC2012 # our own names
  archive=$(ls -1t vendor-*.tar | head -n 1)
  spare=${archive%.tar}.spare new=.spare.$$
  find . ! -name . -prune -name '.spare.*' -mmin +60 -exec rm -rf -- {} +
  for old in vendor-*.spare; do [ "$old" = "$spare" ] || rm -rf -- "$old"; done
  free=$(df -Pk . | awk 'NR == 2 { print $4 }') size=$(($(wc -c <"$archive") / 1024))
  if [ -d "$spare" ] || [ "$free" -lt "$((size * 8))" ]; then exit 0; fi
  mkdir -- "$new"
  [ "$(sum <"$archive")" != "$(cat "${archive%.tar}.sum")" ] || nice tar -xf "$archive" -C "$new" || rm -rf -- "$new"
  if [ ! -d "$new/vendor" ] || ! listed "$@" -- write "$new/vendor" "$new/list" >"$new/digest" || ! mv -- "$new" "$spare"; then
    rm -rf -- "$new"
  fi
} </dev/null >/dev/null 2>&1 8>&- 9>&- &
