<?php
// What the checklist asks of site $argv[1], as a line of JSON after the word $argv[2]: are the shared folders linked, how many uploads
// are there, what was logged since the switch, until when is the certificate valid, what does deployment.log say last. Changes
// nothing. $argv[3] is JSON: the URL, the address to ask instead of what DNS says, the shared folders. Before it, what runs where
// $argv[4] serves (running.php).
require 'running.php';
[, $root, $mark, $given, $served] = $argv;
try {
    watch($root, $served, $mark);
} catch (Throwable $error) { // a server may forbid a function
    echo "$mark unseen PHP may not look at /proc\n";
}
$given = json_decode($given, true);
$current = "$root/current";
const MANY = 20000;

// The application's own settings, where they are cached: plain values (Foundation/Console/ConfigCacheCommand).
function config(string $file): array
{
    try {
        return is_readable($file) ? (array) include $file : [];
    } catch (Throwable $error) {
        return [];
    }
}

function files(string $folder): int
{
    $count = 0;
    if (is_dir($folder)) {
        $all = new RecursiveDirectoryIterator($folder, FilesystemIterator::SKIP_DOTS);
        foreach (new RecursiveIteratorIterator($all, RecursiveIteratorIterator::LEAVES_ONLY, RecursiveIteratorIterator::CATCH_GET_CHILD) as $file) {
            if ($file->isFile() && $file->getFilename()[0] !== '.' && ++$count >= MANY) {
                break;
            }
        }
    }
    return $count;
}

// Errors that release $id logged since it took its place at $since, with times in its own time zone (Monolog's LineFormatter, as Laravel
// sets it up). An exception's line names the file it is from: of another release, it is not this one's; and in the very second of the
// switch, only such a line tells whose it is.
function errors(string $folder, int $since, string $zone, string $id): array
{
    $found = [];
    foreach (glob("$folder/*.log") ?: [] as $log) {
        if (filemtime($log) < $since || !is_readable($log)) {
            continue;
        }
        $text = (string) file_get_contents($log, false, null, max(0, filesize($log) - 262144));
        preg_match_all('/^\[(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)[^\]]*\] \S+?\.((?:ERROR|CRITICAL|ALERT|EMERGENCY): .*)/m', $text, $lines, PREG_SET_ORDER);
        foreach ($lines as [, $time, $what]) {
            $at = (new DateTime($time, new DateTimeZone($zone)))->getTimestamp();
            $named = preg_match('#/releases/(\d{14})/#', $what, $path) ? $path[1] : '';
            if ($named === $id ? $at >= $since : $named === '' && $at > $since) {
                $found[] = basename($log) . ": $what";
            }
        }
    }
    return $found;
}

function certificate(string $url, string $address): array
{
    $parts = parse_url($url);
    $port = $parts['port'] ?? 443;
    $host = trim($parts['host'], '[]');
    $context = stream_context_create(['ssl' => ['peer_name' => $host, 'SNI_enabled' => true, 'capture_peer_cert' => true]]);
    $reason = '';
    set_error_handler(function (int $type, string $text) use (&$reason): bool {
        $reason = trim("$reason " . preg_replace('/^stream_socket_client\(\): /', '', $text));
        return true;
    });
    $socket = stream_socket_client('tls://' . ($address !== '' ? $address : $parts['host']) . ":$port", $n, $text, 10, STREAM_CLIENT_CONNECT, $context);
    restore_error_handler();
    if (!$socket) {
        return ['wrong' => preg_replace('/\s+/', ' ', $reason)];
    }
    $until = openssl_x509_parse(stream_context_get_params($socket)['options']['ssl']['peer_certificate'])['validTo_time_t'];
    return ['until' => gmdate('Y-m-d', $until), 'days' => intdiv($until - time(), 86400)];
}

$config = config("$current/bootstrap/cache/config.php");
$live = basename((string) readlink($current));
$since = lstat($current)['ctime']; // the server's own clock: when the link took its place
$zone = in_array($zone = $config['app']['timezone'] ?? 'UTC', timezone_identifiers_list(DateTimeZone::ALL_WITH_BC), true) ? $zone : 'UTC';
$apart = array_filter($given['folders'], fn ($path) => !($shared = realpath("$root/shared/$path")) || realpath("$current/$path") !== $shared);
$said = (string) @file_get_contents("$root/deployment.log", false, null, max(0, (int) @filesize("$root/deployment.log") - 4096));
$blocks = preg_split('/^={37}\n/m', $said, -1, PREG_SPLIT_NO_EMPTY);
[$id, $before] = explode(' ', trim((string) @file_get_contents("$root/.deploy/uploads"))) + ['', ''];
$errors = errors("$current/storage/logs", $since, $zone, $live);
echo "$mark facts ", json_encode([
    'apart' => array_values($apart),
    'linked' => realpath("$current/public/storage") === realpath("$root/shared/storage/app/public"),
    'uploads' => files("$root/shared/storage/app/public"),
    'before' => $id === $live ? (int) $before : -1,
    'errors' => count($errors),
    'last' => substr(end($errors) ?: '', 0, 200),
    'writable' => is_writable("$current/storage/logs"),
    'queue' => (string) ($config['queue']['default'] ?? ''),
    'certificate' => strpos($given['url'], 'https:') === 0 ? certificate($given['url'], $given['resolve']) : [],
    'logged' => trim(end($blocks) ?: ''),
], JSON_INVALID_UTF8_SUBSTITUTE | JSON_UNESCAPED_SLASHES), "\n";
