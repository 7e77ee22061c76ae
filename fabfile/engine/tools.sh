# The versions of the tools that build an application, a line each; $1 is a folder to ask them in, $2 PHP, $3 Composer, the rest
# others. PHP and Composer may be a command with options, hence the missing quotes.
cd "$1" 2>/dev/null || :
php=''
if command -v "${2%% *}" >/dev/null 2>&1; then
  $2 -r 'echo "php ", PHP_VERSION, "\nextensions ", implode(" ", get_loaded_extensions()), "\n";' </dev/null &
  php=$!
fi
said=''
if command -v "${3%% *}" >/dev/null 2>&1; then
  said=$(COMPOSER_ALLOW_SUPERUSER=1 $3 --version --no-ansi 2>/dev/null </dev/null | head -n 1)
fi
[ -z "$php" ] || wait "$php" # it was asked meanwhile
[ -z "$said" ] || printf 'composer %s\n' "$said"
shift 3
for tool; do
  if command -v "$tool" >/dev/null 2>&1; then printf '%s ' "$tool"; "$tool" --version; fi
done
