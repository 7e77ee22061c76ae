<?php
// One visitor's GET of URI $argv[3] with host name $argv[4] and scheme $argv[5], answered by script $argv[2] in the PHP-FPM pool at
// $argv[1] (a socket's path or host:port). Prints "status N" and, unless it is 2xx, the body's beginning. Past maintenance mode.
require 'fcgi.php';
require 'bypass.php';
[, $address, $script, $uri, $host, $scheme] = $argv;
if (isset($argv[6])) { // to warm it: OPcache keeps no file that is younger than two seconds (opcache.file_update_protection)
    $root = dirname($script, 2);
    $made = [$script, "$root/artisan", "$root/vendor/autoload.php", ...glob("$root/bootstrap/cache/*.php") ?: []];
    $young = max(array_map(fn (string $file): int => (int) @filemtime($file), $made)) + 3 - time();
    sleep(max(0, min(3, $young)));
}
$pass = bypass(dirname($script, 2));
[$status, $body, $errors] = pool_answer(pool_send($address, $script, [
    'REQUEST_URI' => $uri, 'QUERY_STRING' => (string) parse_url($uri, PHP_URL_QUERY), 'HTTP_HOST' => $host, 'SERVER_NAME' => $host,
    'SERVER_PORT' => $scheme === 'https' ? '443' : '80', 'HTTPS' => $scheme === 'https' ? 'on' : '',
    'HTTP_COOKIE' => $pass ? 'laravel_maintenance=' . rawurlencode($pass) : '',
]), 10);
file_put_contents('php://stderr', $errors);
echo "status $status\n", $status >= 200 && $status <= 299 ? '' : substr(trim(preg_replace('/\s+/', ' ', strip_tags($body))), 0, 600), "\n";
exit($status ? 0 : 1);
