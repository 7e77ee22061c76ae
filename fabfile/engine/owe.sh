# Notes shell $3 as something that this run will undo itself, and leaves a watchman behind (watchman.sh comes before this) who does it
# if the run does not live to: $1 site, $2 PHP, $4 settle.sh.
cd "$1" || exit 1
(umask 077 && printf '%s\n' "$3" >.deploy/owed.new)
mv .deploy/owed.new .deploy/owed
watchman "$1" "$2" "$4"
