# Takes the server's lock in the shell that reads this (agent.sh, `self`), so that descriptor 9 stays open in it.
#   $folder  .deploy of the site      $run  id of this run      $record  who we are, one line of JSON
#   $open    "yes" for whoever comes to open a lock that was set by hand
#   $shop    a build folder to be locked as well (beside.sh), or nothing      $site    the site's folder; empty for a build's lock
# status: 0 held, 75 somebody else's, 76 set by hand and 77 somebody builds there (whose record is printed), 73 cannot be locked, 69 no
# flock here
# shellcheck disable=SC2034,SC2154 # the variables are agent.sh's
# Whoever goes back on a full disk cannot make a folder for his run. He does without: only his output is not kept.
room() {
  [ -d "$folder/run/$run" ] || mkdir -p "$folder/run/$run" || { [ -d "$folder/run" ] && [ -w "$folder/run" ]; }
}
status=73
# What is ours is for its user only, but not what it lies in: the web server goes through that.
[ -z "$site" ] || [ -d "$site" ] || mkdir -p -- "$site" || :
if (umask 077 && room && : >>"$folder/lock") && exec 9>>"$folder/lock"; then
  patiently 9
fi
# Whoever sets one by hand has this lock meanwhile: only now is it certain that there is none.
if [ "$status" = 0 ] && [ "$open" != yes ] && [ -f "$folder/manual.json" ]; then status=76; fi
if [ "$status" = 0 ] && [ -n "$shop" ]; then beside; fi
case $status in
  0)
    cat "$folder/lock.json" 2>/dev/null # of a run that did not end
    noted "$folder"
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
      69 | 77) ;;
      *) status=73 ;;
    esac
    ;;
esac
