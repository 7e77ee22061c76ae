# How a lock is taken (lock.sh, beside.sh), and what is written down of who has it.
# shellcheck shell=sh disable=SC2034,SC2154 # the variables are those of whoever reads this
lock() { # DESCRIPTOR; 1: somebody else has it
  if command -v flock >/dev/null 2>&1; then
    flock -n "$1"
  # flock(2) belongs to the open file, which the descriptors of PHP and Perl share with ours.
  elif command -v "$php" >/dev/null 2>&1; then
    # shellcheck disable=SC2016
    "$php" -n -r 'exit(flock(fopen("php://fd/$argv[1]", "r+"), LOCK_EX | LOCK_NB, $other) ? 0 : ($other ? 1 : 73));' "$1" </dev/null
  elif command -v perl >/dev/null 2>&1; then # macOS
    perl -MFcntl=:flock -e 'open(my $f, ">&=$ARGV[0]"); exit(flock($f, LOCK_EX | LOCK_NB) ? 0 : $!{EWOULDBLOCK} ? 1 : 73)' "$1" </dev/null
  else
    return 69
  fi
}
# Whoever looks (look.sh) holds it for a moment to see whether it is free: hence more than one try.
patiently() { # DESCRIPTOR: sets status
  for pause in 0.1 0.2 ''; do
    status=0
    lock "$1" || status=$?
    if [ "$status" != 1 ] || [ -z "$pause" ]; then break; fi
    sleep "$pause" 2>/dev/null || sleep 1
  done
}
noted() { # FOLDER
  (printf '%s\n' "$record" >"$1/lock.json.$run" && mv -f "$1/lock.json.$run" "$1/lock.json") 2>/dev/null ||
    rm -f -- "$1/lock.json.$run" "$1/lock.json"
}
