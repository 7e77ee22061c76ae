<?php
// GETs URL $argv[1] from here until it was good $argv[5] times in a row (once, if not given), or not good $argv[2] times, or
// $argv[3] seconds are over; one try may take its share of them. Good is a status of 2xx with $argv[6], if given, in the body.
// $argv[4] is the address, and what else a visitor needs (visit.php). Prints "status N" and the body's beginning, of the last try
// that was not good unless the end was. Redirects are not followed: a log-in page is no sign of health. Further arguments are
// paths that are asked for instead, once each: a line of JSON for each, [path, status, the body's beginning]. Where no address was
// given and the name led to another machine, "elsewhere" and its address come first.
require 'visit.php';
[, $url, $tries, $seconds, $address] = $argv;
[$wanted, $needle] = [(int) ($argv[5] ?? 1), $argv[6] ?? ''];
$deadline = microtime(true) + $seconds;
$share = max(1, $seconds / $tries);
$site = site($url, $address);

function attempt(array $site, string $path, float $left): array
{
    global $address, $elsewhere;
    $until = microtime(true) + $left;
    $socket = send($site, $path, $left);
    $elsewhere = $address === '' ? elsewhere($socket) : '';
    return answer($socket, $until);
}

foreach (array_slice($argv, 7) as $path) {
    $left = $deadline - microtime(true);
    [$status, $body] = $left > 0 ? attempt($site, $path, $left) : [0, 'no time left'];
    echo json_encode([$path, $status, substr($body, 0, 300)], JSON_INVALID_UTF8_SUBSTITUTE | JSON_UNESCAPED_SLASHES), "\n";
}
if ($argc > 7) {
    exit(0);
}
[$status, $body] = $last = [0, 'no time left'];
for ($good = $failed = 0; $good < $wanted && $failed < $tries && ($left = $deadline - microtime(true)) > 0;) {
    $last = attempt($site, $site['page'], min($left, $share));
    $well = $last[0] >= 200 && $last[0] <= 299 && ($needle === '' || strpos($last[1], $needle) !== false);
    [$good, $failed] = $well ? [$good + 1, $failed] : [0, $failed + 1];
    if (!$well || $good === $wanted) {
        [$status, $body] = $last;
    }
    if ($good < $wanted && $failed < $tries) {
        usleep($well ? 100000 : 500000);
    }
}
echo ($elsewhere ?? '') === '' ? '' : "elsewhere $elsewhere\n", "status $status\n", substr(trim(preg_replace('/\s+/', ' ', strip_tags(preg_replace('~<(style|script)\b.*?</\1>~is', ' ', $body)))), 0, 600), "\n";
