# Free KiB, free inodes and the name of the disk that each of these folders is on, a line each; "-" for what is not said.
for folder; do
  free=$(df -Pk "$folder" | awk 'NR == 2 { print $4 }')
  inodes=$(df -Pi "$folder" 2>/dev/null | awk 'NR == 2 { print $4 }')
  printf '%s %s %s\n' "${free:--}" "${inodes:--}" "$(df -Pk "$folder" | awk 'NR == 2 { print $6 }')"
done
