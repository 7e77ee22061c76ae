# Names the configurations of running PHP-FPMs in which a reload cuts off the requests under way: process_control_timeout is 0
# unless it is set (php.net: install.fpm.configuration). $1: only of these processes; $2: not of versions other than these.
cuts_requests() {
  # shellcheck disable=SC2013
  for found in $(grep -las '^php-fpm: master process (' /proc/[0-9]*/cmdline); do
    pid=${found#/proc/} pid=${pid%/*}
    case " ${1:-$pid} " in *" $pid "*) ;; *) continue ;; esac
    file=$(tr '\0' '\n' <"$found" 2>/dev/null | sed -n '1s/.*(\(.*\)).*/\1/p')
    if [ ! -f "$file" ] || [ ! -r "$file" ]; then continue; fi
    version=$(printf '%s\n' "$file" | sed -n 's|.*/\([0-9]\.[0-9]*\)/.*|\1|p')
    case " ${2:-$version} " in *" ${version:-$2} "*) ;; *) continue ;; esac
    limit=$(sed -n 's/^[[:space:]]*process_control_timeout[[:space:]]*=[[:space:]]*\([0-9]*\).*/\1/p' "$file" | tail -n 1)
    [ "${limit:-0}" != 0 ] || printf 'cuts requests: %s\n' "$file"
  done
}
