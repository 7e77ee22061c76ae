# Makes path $3 of release $1 a link ($4, relative) to the same path of shared folder $2; $5 is folder or file.
# What the release brings is copied to shared once, where it is not there yet; nothing in shared is ever replaced. inside.sh
# comes before this.
mine=$1/$3 shared=$2/$3
[ -d "$2" ] || mkdir -p -- "$2"
case $5 in
  folder)
    if [ -e "$shared" ] && [ ! -d "$shared" ]; then echo "$shared is a file, it has to be a folder" >&2; exit 1; fi
    (inside "$2" "$3")
    if [ -d "$mine" ] && [ ! -L "$mine" ]; then
      (
        cd "$mine" || exit 1
        find . -type f -o -type l | while IFS= read -r entry; do
          if [ -e "$shared/$entry" ] || [ -L "$shared/$entry" ]; then continue; fi
          (inside "$shared" "${entry%/*}" && cp -pP -- "$mine/$entry" "./${entry##*/}") || exit 1
        done
      )
    fi
    ;;
  file)
    if [ -d "$shared" ]; then echo "$shared is a folder, it has to be a file" >&2; exit 1; fi
    case $3 in */*) folder=${3%/*} ;; *) folder=. ;; esac
    (inside "$2" "$folder")
    if [ -f "$mine" ] && [ ! -L "$mine" ] && [ ! -e "$shared" ] && [ ! -L "$shared" ]; then
      (inside "$2" "$folder" && cp -pP -- "$mine" "./${3##*/}")
    fi
    [ -e "$shared" ] || printf 'missing %s\n' "$3"
    ;;
esac
folder=$mine
while folder=${folder%/*} && [ "$folder" != "$1" ]; do
  if [ -L "$folder" ]; then echo "$folder is a symlink; $3 cannot be shared below it" >&2; exit 1; fi
done
[ -d "${mine%/*}" ] || mkdir -p -- "${mine%/*}"
if [ ! -L "$mine" ] || [ "$(readlink "$mine")" != "$4" ]; then
  if [ -e "$mine" ] || [ -L "$mine" ]; then rm -rf -- "$mine"; fi
  ln -s -- "$4" "$mine"
fi
