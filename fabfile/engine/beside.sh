# Takes the lock of build folder $shop, which several sites may share, as descriptor 8 beside that of the site (lock.sh). status: as there.
# shellcheck shell=sh disable=SC2154 # the variables are lock.sh's
beside() {
  status=73
  if mkdir -p -- "$shop" && (umask 077 && mkdir -p -- "$shop/.deploy" && : >>"$shop/.deploy/lock") && exec 8>>"$shop/.deploy/lock"; then
    patiently 8
  fi
  case $status in
    0) noted "$shop/.deploy" ;;
    1) exec 8>&- && status=77 && cat "$shop/.deploy/lock.json" 2>/dev/null ;;
    *) exec 8>&- ;;
  esac
}
