# Does a process like the watchman (arm.sh) outlive the connection that started it? $1 is .deploy. One is left behind that waits
# for the end of this conversation and a little longer, and then says so in .deploy/background, where later runs find it:
# "stays"; or what was noted before, "asked" or "ends", with the id of a process that did not live to say more.
cd "$1" || exit 1
known='' pid=''
if [ -f background ]; then read -r known pid <background || :; fi
case $known in
  stays) exit 0 ;;
  asked | ends)
    if [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null; then exit 0; fi
    known=ends
    ;;
  *) known=asked ;;
esac
if command -v setsid >/dev/null 2>&1; then alone=setsid; else alone=; fi
# shellcheck disable=SC2086
$alone /bin/sh -s -- "$PPID" 8>&- 9>&- >/dev/null 2>&1 <<'PROBE' &
{
  trap '' HUP
  while kill -0 "$1"; do sleep 1; done
  sleep 5
  read -r known pid <background && [ "$pid" = $$ ] && echo stays >background
} </dev/null
PROBE
echo "$known $!" >background
