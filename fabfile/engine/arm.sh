# Before a switch: notes that release $3 is not confirmed and $2 is what to go back to, and leaves a watchman behind (watchman.sh comes
# before this), who goes back if nobody has confirmed by the time he has the lock. $1 site, $4 run, $5 PHP, $6 rename.sh and back.sh, $7 shell to
# run after going back, which is kept with the note so that whoever goes back runs it.
cd "$1" || exit 1
rm -f .deploy/reverted .deploy/confirmed .deploy/back
(umask 077 && printf '%s %s %s\n%s\n' "$2" "$3" "$4" "$7" >.deploy/pending.new)
mv .deploy/pending.new .deploy/pending
watchman "$1" "$5" "$6" "the run that switched is gone"
echo $! >".deploy/run/$4/watchman" || : # he is there without that, and finds nothing to do after a confirmation
