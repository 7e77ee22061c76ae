#!/bin/sh
# Run "$@" until it ends or our standard input does, then end the whole process group.
# PHP's web server leaves its workers behind when only its first process is ended.
exec 3<&0
"$@" 3<&- </dev/null &
server=$!
{
  read -r _ <&3
  kill -TERM 0
} &
wait "$server"
kill -TERM 0
