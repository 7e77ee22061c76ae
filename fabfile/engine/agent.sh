# The far end of a conversation: reads scripts on standard input, runs each in a process group of its
# own, and frames its output. Sent as text each time, behind limits.sh; POSIX sh, runs under dash, bash and busybox.
#
#   in:   TOKEN, SECONDS                     once: what frames are marked with, and how long silence may last
#         KIND NUMBER TIMEOUT                a script: ask, work or self
#         …lines of the script…              TOKEN@NAME for a text that is kept here (kept.py)
#         TOKEN                              its end
#         beat                               the client is alive
#   out:  …output… \n TOKEN NUMBER STATUS \n  on standard output and on standard error
#
# The lock is descriptor 9 (see lock.sh), and that of a build folder 8: whatever runs here inherits them, so a lock is held for as long
# as any work lives, whether or not its client does.
# shellcheck disable=SC2034 # variables that limits.sh uses
set -u
umask 022
trap '' HUP
trap : PIPE # not ignored, which scripts would inherit: `yes | head -n 1` has to end in them
IFS= read -r token
IFS= read -r silence
nl='
'
folder='' heard=0 status=0 tick=5 beats=/dev/null watcher='' log=/dev/null idle=/dev/null children=/dev/null
trap '[ -z "$watcher" ] || stop KILL "$watcher"' EXIT
unset CDPATH ENV BASH_ENV

end() { # NUMBER STATUS
  printf '\n%s %s %s\n' "$token" "$1" "$2"
  printf '\n%s %s %s\n' "$token" "$1" "$2" >&2
}

# The whole script is parsed before any of it runs, so that nothing in it can eat the rest. It notes its own group, before
# anything else: the last script removes the folder that this is noted in.
spawn() {
  alone /bin/sh -s "$children" <<SCRIPT &
{ printf '%s\n' \$\$ 2>/dev/null >"\$1"; shift
$script
} </dev/null
SCRIPT
  child=$!
}

ask() { # NUMBER TIMEOUT
  spawn
  finish "$2" "$1" 2>/dev/null
  end "$1" $?
}

# Long work never waits for the network: what it says is kept in the log, and sent on from there by somebody who may be held up
# for as long as nobody reads, and does not hold the lock. Where nothing can be kept, it is handed over as it comes.
work() { # NUMBER TIMEOUT
  if [ ! -w "$idle" ] || [ ! -w "$log" ]; then log=/dev/null idle=/dev/null; fi
  {
    cat <&7 >/dev/null # what earlier work said
    {
      spawn 2>&1
      finish "$2" "$1" 2>/dev/null
      printf '\n%s %s %s\n' "$token" "$1" $?
    } 7<&- | keep "$1" 2>/dev/null | forward "$1" 2>/dev/null
  } 7<"$log"
  printf '\n%s %s 0\n' "$token" "$1" >&2
}

keep() { # NUMBER: what comes in goes into the log; 8 wakes `forward`, and takes what the log cannot
  trap '' PIPE
  exec 7<&- 8>&1 >>"$log"
  row='' room=$log
  [ "$log" != /dev/null ] || directly
  while IFS= read -r row; do
    put "$row"
    case $row in "$token $1 "*) break ;; esac
  done
  # Without an end: the work killed who waited for it.
  case $row in "$token $1 "*) ;; *) put '' && put "$token $1 137" ;; esac
  beat "$heard ended"
}

put() { # ROW
  printf '%s\n' "$1" || { directly && printf '%s\n' "$1"; }
  [ -z "$room" ] || [ -s "$idle" ] || { echo >"$idle" && echo >&8; } || directly
}

directly() { echo full >&8 && exec >&8 && room=''; }

# Empties the file that says that it is awake before it looks a last time whether there is more: so it is woken, and once.
forward() { # NUMBER: what the log gets goes out
  exec 6<&0 <&7 7<&- 8>&- 9>&-
  part='' asleep='' sent=0 word=''
  until pass "$1"; do
    case $word$asleep in
      full*) exec <&6 && part='' word=gone ;;
      gone*) printf '\n%s %s 137\n' "$token" "$1" && return ;;
      yes) asleep='' && IFS= read -r word <&6 || word=gone ;;
      *) asleep=yes && true >"$idle" ;;
    esac
  done
}

# Once the work has ended, what still gets out is the sign that the client lives: nobody hears its beats meanwhile.
pass() { # NUMBER: what there is to read goes out; 1: the end is not there yet
  while IFS= read -r row; do
    row=$part$row part='' sent=$((sent + 1)) said=busy
    printf '%s\n' "$row"
    case $row in "$token $1 "*) return 0 ;; esac
    [ $((sent % 20)) -gt 0 ] || IFS= read -r said <"$beats"
    case $said in busy*) ;; *) beat "$heard $sent" ;; esac
  done
  part=$part$row
  return 1
}

# A text that is kept here since an earlier run, where its name stands in a frame: a file that puts it into row, which takes no process
# to read. Without it nothing of that may run.
recall() { # NAME: 64 hexadecimal digits
  row=''
  [ ! -r "$folder/kept/$1" ] || command . "$folder/kept/$1"
  [ -n "$row" ] || lost=$1
  row=${row%"$nl"}
}

end 0 0 # whatever a log-in printed comes before this
while IFS= read -r line; do
  listening
  # shellcheck disable=SC2086 # three words
  set -- $line
  case ${1-} in ask | work | self) ;; *) continue ;; esac
  script='' part='' rows=0 lost=''
  while IFS= read -r row && [ "$row" != "$token" ]; do
    case $row in "$token@"*) recall "${row#*@}" 2>/dev/null ;; esac
    part=$part$row$nl rows=$((rows + 1))
    [ $((rows % 100)) -gt 0 ] || { script=$script$part part=''; } # a growing text is copied with every line
  done
  script=$script$part
  [ "$row" = "$token" ] || exit 0
  [ -z "$lost" ] || script="echo 'what was kept as $lost is gone' >&2; exit 66"
  beat busy
  case $1 in
    self)
      # shellcheck disable=SC2086
      number=$2
      eval "$script"
      end "$number" "$status"
      ;;
    *) "$1" "$2" "$3" ;;
  esac
  listening
done
