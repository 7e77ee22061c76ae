# How long what the agent runs may take, and who sees to it (agent.sh, which this is sent before): process groups, limits, and the watcher.
# shellcheck shell=sh disable=SC2034,SC2154 # the variables are agent.sh's

# Only ever called in the background, hence the exec: $! must be the group's leader.
if command -v setsid >/dev/null 2>&1; then
  alone() { exec setsid "$@"; }
elif command -v perl >/dev/null 2>&1; then
  alone() { exec perl -MPOSIX=setsid -e 'setsid(); exec @ARGV or exit 127' "$@"; }
else
  alone() { exec "$@"; }
fi

stop() { # SIGNAL PID: the group, or a process that has none, or not yet (busybox knows no `--` and dash no `-s` with a group)
  kill "-$1" "-$2" 2>/dev/null || { kill "-$1" "$2" 2>/dev/null; kill "-$1" "-$2" 2>/dev/null; }
}

# Ends what is left of a group that was told to end: descendants may be deaf, and nobody else waits for them.
sweep() { # PID
  for pause in 0.1 1 1 1; do
    kill -0 "-$1" || return 0
    sleep "$pause" || sleep 1
  done
  kill -KILL "-$1"
}

# The limiter is called off by KILL: bash forgets a TERM that comes between fork and exec.
finish() { # TIMEOUT NUMBER: waits for the child, which has so many seconds
  limit=''
  if [ "$1" -gt 0 ] && ! watched "$@"; then
    # Where the agent was killed, nobody calls it off, and the number may be another group's by then: so it looks now and then.
    # shellcheck disable=SC2016 # expanded by the inner shell
    alone /bin/sh -c 'n=$1
      while [ "$n" -gt 5 ]; do sleep 5; kill -0 "$2" || exit; n=$((n - 5)); done
      sleep "$n"; kill -TERM "-$2" || kill -TERM "$2"; sleep 3; kill -KILL "-$2" || kill -KILL "$2"' \
      sh "$1" "$child" </dev/null >/dev/null 2>&1 8>&- 9>&- &
    limit=$!
  fi
  wait "$child"
  code=$?
  true >"$children" # not ":", which would end this shell where the run folder is gone already
  if [ -n "$limit" ]; then
    stop KILL "$limit"
    wait "$limit"
  fi
  case $code in 137 | 143) sweep "$child" ;; esac
  return "$code"
}

# Whether the watcher holds the child to its limit: it looks every few seconds, which must be little of that.
watched() { # TIMEOUT NUMBER
  [ "$1" -ge "$((12 * tick))" ] && [ -n "$watcher" ] && kill -0 "$watcher" && beat "busy $2 $child $1" && [ -n "$watcher" ]
}

# Written over what is there, which needs no free block; one that cannot be written must not be taken for silence.
beat() { # TEXT
  { printf '%s\n' "$1" 1<>"$beats"; } 2>/dev/null && return
  [ -z "$watcher" ] || stop KILL "$watcher"
  watcher='' beats=/dev/null
}

listening() { heard=$((heard + 1)); beat "$heard"; }

# Ends this shell, and with it the lock, when the client has been silent and nothing runs; and what runs, when it has had its time, also
# where this shell was killed meanwhile.
watch() {
  [ -z "$watcher" ] || stop KILL "$watcher"
  [ "$silence" -gt 0 ] || return 0
  [ "$silence" -ge 5 ] || tick=$silence
  # shellcheck disable=SC2016 # expanded by the inner shell
  alone /bin/sh -c '
    last="" turn="" quiet=0 spent=0
    while sleep "$4"; do
      IFS=" " read -r said number child seconds <"$3" || said=""
      kill -0 "$2" || { [ "$said" = busy ] && kill -0 "$child"; } || exit
      [ -n "$said" ] || continue
      quiet=$((quiet + $4))
      if [ "$said$number" != "busy$turn" ]; then turn=$number spent=0; else spent=$((spent + $4)); fi
      if [ -n "$seconds" ] && [ "$spent" -ge "$seconds" ]; then
        kill -TERM "-$child" || kill -TERM "$child"
        sleep 3
        IFS=" " read -r said turn seconds <"$3"
        [ "$said$turn" != "busy$number" ] || kill -KILL "-$child" || kill -KILL "$child"
      fi
      [ "$quiet" -ge "$1" ] || continue
      [ "$said" = busy ] || [ "$said $number" != "$last" ] || kill -KILL "$2"
      last="$said $number" quiet=0
    done' sh "$silence" $$ "$beats" "$tick" </dev/null >/dev/null 2>&1 8>&- 9>&- &
  watcher=$!
}
