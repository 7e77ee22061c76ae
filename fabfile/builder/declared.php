<?php
// The SHA-256 of all that Composer makes its autoloader of, besides the packages that composer.lock names: which classes the
// application's own files declare, composer.json, composer.lock, PHP, Composer (its file, its settings, its variables), the options.
//   declared.php ROOT COMPOSER OPTION …
// A second line, "whole", says that an install has nothing to do besides, where vendor/ is what an earlier one with this key made.
// Says nothing where the same of these may lead to another one, or to more than an autoloader: with plugins, also the user's, with packages
// that are folders elsewhere, with linked folders, with scripts of the application's own around the dump, and where the variable COMPOSER
// names another composer.json.
error_reporting(0);
// What Laravel's skeleton does then: forget what was cached, discover packages, both in bootstrap/cache, of which nothing ships.
const HARMLESS = [
    'Illuminate\Foundation\ComposerScripts::postAutoloadDump', '@php artisan package:discover', '@php artisan package:discover --ansi',
];
// The events of an install that has nothing to fetch (getcomposer.org/doc/articles/scripts.md), besides those of the dump.
const EVENTS = ['init', 'command', 'pre-command-run', 'pre-pool-create', 'pre-operations-exec', 'post-install-cmd'];
// With any other option (--audit, say) Composer does what it is told in each build.
const QUIET = [
    '--no-interaction', '--no-progress', '--no-ansi', '--prefer-dist', '--optimize-autoloader', '--no-dev', '--classmap-authoritative',
];
const DECLARES = '/\b(?:class|interface|trait|enum)(?:\s+[a-z_\x80-\xff]|\s*(?:\/[*\/]|#))/i'; // before the name may be a comment
[, $root, $composer] = $argv;
$options = array_slice($argv, 3);

// The first of its name on the PATH, or itself.
function program(string $name): string
{
    foreach (strpos($name, '/') === false ? explode(':', (string) getenv('PATH')) : [] as $folder) {
        if (is_file("$folder/$name")) {
            return "$folder/$name";
        }
    }
    return $name;
}

function text(string $file): string
{
    return is_file($file) ? file_get_contents($file) : '';
}

// Namespaces and classes in the order of the file: "namespace a\b", "class c". Of what is long, or opens PHP in another way than the
// usual one, the SHA-256 stands for them.
function declared(string $code): array
{
    if (strlen($code) > 500000) {
        return [hash('sha256', $code)];
    }
    $found = [];
    $tokens = array_values(array_filter(token_get_all($code), function ($token) {
        return !in_array($token[0], [T_WHITESPACE, T_COMMENT, T_DOC_COMMENT], true);
    }));
    foreach ($tokens as $at => $token) {
        $word = strtolower(is_array($token) ? $token[1] : '');
        if ($token[0] === T_HALT_COMPILER || $token[0] === T_INLINE_HTML && strpos($token[1], '<?') !== false) {
            return [hash('sha256', $code)];
        }
        if ($token[0] === T_NAMESPACE) {
            for ($name = ''; is_array($part = $tokens[++$at] ?? ''); ) {
                $name .= $part[1];
            }
            $found[] = "namespace $name";
        } elseif (in_array($word, ['class', 'interface', 'trait', 'enum'], true) && ($tokens[$at + 1][0] ?? '') === T_STRING) {
            $found[] = "$word {$tokens[$at + 1][1]}";
        }
    }
    return count(preg_grep('/^namespace /', $found)) === count($found) ? [] : $found;
}

// A line per file that declares something; null for a folder that is a link.
function lines(string $root, string $folder): ?array
{
    $lines = [];
    foreach (array_diff(scandir("$root/$folder"), ['.', '..']) as $name) {
        $path = "$folder$name";
        if (in_array($path, ['vendor', 'node_modules', '.git'], true)) {
            continue;
        }
        if (is_dir("$root/$path")) {
            $below = is_link("$root/$path") ? null : lines($root, "$path/");
            if ($below === null) {
                return null;
            }
            $lines = array_merge($lines, $below);
        } elseif (preg_match('/\.(?:php|inc|hh)$/Di', $name)) {
            $code = file_get_contents("$root/$path");
            $found = preg_match(DECLARES, $code) ? declared($code) : [];
            $found === [] || $lines[] = "$path: " . implode(', ', $found);
        }
    }
    return $lines;
}

function plain(string $root, bool $dev): bool
{
    if (!in_array((string) getenv('COMPOSER'), ['', 'composer.json'], true)) {
        return false;
    }
    $own = json_decode(text("$root/composer.json"), true);
    $lock = json_decode(text("$root/composer.lock"), true);
    $scripts = $own['scripts'] ?? [];
    $foreign = array_diff((array) ($scripts['post-autoload-dump'] ?? []), HARMLESS);
    $before = array_intersect_key($scripts, ['pre-install-cmd' => 1, 'pre-autoload-dump' => 1]); // which may write more classes
    if (!is_array($own) || !is_array($lock) || $foreign !== [] || $before !== []) {
        return false;
    }
    foreach (array_merge($lock['packages'] ?? [], $dev ? $lock['packages-dev'] ?? [] : []) as $package) {
        if (($package['type'] ?? '') === 'composer-plugin' || ($package['dist']['type'] ?? '') === 'path') {
            return false;
        }
    }
    return true;
}

// Whether nothing else happens in an install. A version of a library (lib-icu) may be another one tomorrow, without any sign of it here.
function whole(string $root, array $options): bool
{
    $own = json_decode(text("$root/composer.json"), true);
    $events = array_intersect_key($own['scripts'] ?? [], array_flip(EVENTS));
    $more = preg_grep('/^--ignore-platform-reqs?(=|$)/', array_diff($options, QUIET), PREG_GREP_INVERT);
    return $events === [] && $more === [] && strpos(text("$root/composer.lock"), '"lib-') === false;
}

$lines = function_exists('token_get_all') && plain($root, !in_array('--no-dev', $options, true)) ? lines($root, '') : null;
if ($lines === null) {
    exit(0);
}
$config = getenv('XDG_CONFIG_HOME') ?: getenv('HOME') . '/.config';
$settings = '';
foreach ([getenv('COMPOSER_HOME') ?: getenv('HOME') . '/.composer', "$config/composer"] as $home) {
    $settings .= text("$home/config.json");
    strpos(text("$home/composer.lock"), '"composer-plugin"') === false || exit(0);
}
$variables = array_filter(getenv(), function ($name) {
    return strncmp($name, 'COMPOSER', 8) === 0 && $name !== 'COMPOSER_HOME';
}, ARRAY_FILTER_USE_KEY);
ksort($variables);
$composer = program($composer);
$extensions = array_map(function ($name) {
    return [$name, phpversion($name)];
}, get_loaded_extensions());
$programs = [PHP_VERSION, $extensions, $composer, filesize($composer), filemtime($composer), $settings, $variables, $options];
echo hash('sha256', serialize([$programs, text("$root/composer.json"), text("$root/composer.lock"), $lines])), "\n";
echo whole($root, $options) ? "whole\n" : '';
