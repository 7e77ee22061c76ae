#!/bin/sh
# usage: scripts/system-packages.sh
# Install what the tests use and this machine lacks: as root on Debian with apt-get, without starting any service. Elsewhere say
# what is missing; the tests that need it are skipped and say so, too.
set -eu

# program (or file) : package
needed="
/usr/sbin/sshd:openssh-server ssh-keygen:openssh-client git:git unzip:unzip composer:composer shellcheck:shellcheck busybox:busybox
fish:fish tcsh:tcsh /usr/lib/cargo/bin/coreutils/mv:rust-coreutils bsdtar:libarchive-tools
/usr/sbin/nginx:nginx-light /usr/sbin/mariadbd:mariadb-server mariadb-dump:mariadb-client redis-server:redis-server
/usr/lib/postgresql/*/bin/initdb:postgresql psql:postgresql-client
supervisord:supervisor chromium:chromium node:nodejs npm:npm php:php8.2-cli /usr/sbin/php-fpm8.2:php8.2-fpm
/usr/share/php/Illuminate:php-laravel-framework /usr/share/php/Faker:php-faker
"
extensions="pdo_sqlite:php8.2-sqlite3 mbstring:php8.2-mbstring dom:php8.2-xml zip:php8.2-zip curl:php8.2-curl pdo_mysql:php8.2-mysql pdo_pgsql:php8.2-pgsql redis:php8.2-redis"

debian() { [ -f /etc/debian_version ] && command -v apt-get >/dev/null; }

# The machine's PHP may be another one than Debian 12's.
php_version() { php -r 'echo PHP_MAJOR_VERSION, ".", PHP_MINOR_VERSION;' 2>/dev/null || echo 8.2; }

missing() {
  for pair in $needed; do
    what=${pair%%:*}
    # shellcheck disable=SC2086 # the folder of one has a version for a name
    set -- $what
    [ -e "$1" ] || command -v "$what" >/dev/null || echo "${pair#*:}"
  done
  loaded=" $(php -m 2>/dev/null | tr '[:upper:]\n' '[:lower:] ') "
  for pair in $extensions; do
    case $loaded in
      *" ${pair%%:*} "*) ;;
      *) echo "${pair#*:}" ;;
    esac
  done
}

# Debian starts a service as soon as it is installed, unless this program says no.
forbid_services() {
  [ ! -e /usr/sbin/policy-rc.d ] || mv /usr/sbin/policy-rc.d /usr/sbin/policy-rc.d.before
  printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
  chmod +x /usr/sbin/policy-rc.d
}

allow_services() {
  rm -f /usr/sbin/policy-rc.d
  [ ! -e /usr/sbin/policy-rc.d.before ] || mv /usr/sbin/policy-rc.d.before /usr/sbin/policy-rc.d
}

# One at a time after the first try: one package that this release of Debian does not know must not keep the others out.
install() {
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq || true
  # shellcheck disable=SC2086 # a list of package names
  apt-get install -y -qq --no-install-recommends $1 >/dev/null 2>&1 </dev/null && return
  for package in $1; do
    apt-get install -y -qq --no-install-recommends "$package" >/dev/null 2>&1 </dev/null || true
  done
}

version=$(php_version)
packages=$(missing | sed "s/8\.2/$version/" | tr '\n' ' ')
[ -n "$packages" ] || exit 0

if debian && [ "$(id -u)" = 0 ]; then
  echo "Installing for the tests: $packages"
  trap allow_services EXIT
  forbid_services
  install "$packages"
  packages=$(missing | sed "s/8\.2/$version/" | tr '\n' ' ')
fi
if [ -n "$packages" ]; then
  echo "Not installed, so the tests that need them are skipped: $packages"
  if debian && [ "$(id -u)" != 0 ]; then echo "To have them: sudo apt-get install $packages"; fi
fi
