# watchman SITE PHP SCRIPT WORD…: leaves a process behind that waits for the lock, and then runs SCRIPT with SITE, PHP and the WORDs.
# He gets it when this run and all its work are gone. No clock is involved: the kernel frees the lock. SCRIPT is not ours to quote:
# it is put between the lines as it is.
watchman() {
  if command -v flock >/dev/null 2>&1; then
    wait='flock 8'
  else
    # shellcheck disable=SC2016
    wait='"$2" -n -r '"'"'exit(flock(fopen("php://fd/8", "r+"), LOCK_EX) ? 0 : 1);'"'"' </dev/null'
  fi
  if command -v setsid >/dev/null 2>&1; then alone=setsid; else alone=; fi
  site=$1 php=$2 script=$3
  shift 3
  # shellcheck disable=SC2086
  $alone /bin/sh -s -- "$site" "$php" "$@" 8>>"$site/.deploy/lock" 9>&- >/dev/null 2>&1 <<WATCHMAN &
{
  trap '' HUP
  cd "\$1" || exit 1
  $wait || exit 1
  set -eu
  $script
} </dev/null
WATCHMAN
}
