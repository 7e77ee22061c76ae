# Takes the server's lock in the shell that reads this (agent.sh, `self`), so that descriptor 9 stays open in it.
#   $folder  .deploy of the site      $run  id of this run      $record  who we are, one line of JSON
#   $open    "yes" for whoever comes to open a lock that was set by hand
# status: 0 held, 75 somebody else's and 76 set by hand (whose record is printed), 73 cannot be locked, 69 no flock here
# shellcheck disable=SC2034,SC2154 # the variables are agent.sh's
lock() { # 1: somebody else has it
  if command -v flock >/dev/null 2>&1; then
    flock -n 9
  # flock(2) belongs to the open file, which the descriptors of PHP and Perl share with ours.
  elif command -v "$php" >/dev/null 2>&1; then
    # shellcheck disable=SC2016
    "$php" -n -r 'exit(flock(fopen("php://fd/9", "r+"), LOCK_EX | LOCK_NB, $other) ? 0 : ($other ? 1 : 73));' </dev/null
  elif command -v perl >/dev/null 2>&1; then # macOS
    perl -MFcntl=:flock -e 'open(my $f, ">&=9"); exit(flock($f, LOCK_EX | LOCK_NB) ? 0 : $!{EWOULDBLOCK} ? 1 : 73)' </dev/null
  else
    return 69
  fi
}
# Whoever goes back on a full disk cannot make a folder for his run. He does without: only his output is not kept.
room() {
  [ -d "$folder/run/$run" ] || mkdir -p "$folder/run/$run" || { [ -d "$folder/run" ] && [ -w "$folder/run" ]; }
}
status=73
if (umask 077 && room && : >>"$folder/lock") && exec 9>>"$folder/lock"; then
  # look.sh holds it for a moment to see whether it is free: hence more than one try.
  for pause in 0.1 0.2 ''; do
    status=0
    lock || status=$?
    if [ "$status" != 1 ] || [ -z "$pause" ]; then break; fi
    sleep "$pause" 2>/dev/null || sleep 1
  done
fi
# Whoever sets one by hand has this lock meanwhile: only now is it certain that there is none.
if [ "$status" = 0 ] && [ "$open" != yes ] && [ -f "$folder/manual.json" ]; then status=76; fi
case $status in
  0)
    cat "$folder/lock.json" 2>/dev/null # of a run that did not end
    (printf '%s\n' "$record" >"$folder/lock.json.$run" && mv -f "$folder/lock.json.$run" "$folder/lock.json") 2>/dev/null ||
      rm -f -- "$folder/lock.json.$run" "$folder/lock.json"
    # Whoever had the lock while this waited for it may have cleaned the folder up, as one of a dead run.
    (umask 077 && mkdir -p "$folder/run/$run" && : >>"$folder/run/$run/log" && echo >"$folder/run/$run/idle") 2>/dev/null || :
    beats=$folder/lock log=$folder/run/$run/log idle=$folder/run/$run/idle children=$folder/run/$run/child
    listening
    watch
    ;;
  *)
    exec 9>&-
    rm -rf -- "${folder:?}/run/${run:?}"
    case $status in
      1) status=75 && cat "$folder/lock.json" 2>/dev/null ;;
      76) cat "$folder/manual.json" 2>/dev/null ;;
      69) ;;
      *) status=73 ;;
    esac
    ;;
esac
