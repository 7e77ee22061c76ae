<?php
// Answers one GET request with a release as its public/index.php would, before any visitor meets it, past maintenance mode. In PHP's
// built-in server (serve.sh) it is the release that is served there, and who asks has to show the token that $hash is of; on the
// command line, without a port, the one in $argv[1], path $argv[2], host name $argv[3], scheme $argv[4]. Prints "status N" and,
// unless it is 2xx, the body's beginning.
require 'bypass.php';
if (PHP_SAPI === 'cli') {
    [, $root, $path, $host] = $argv;
    $https = ($argv[4] ?? '') === 'https';
} elseif (hash_equals($hash, hash('sha256', $_SERVER['HTTP_X_LARAVEL_FAB'] ?? ''))) {
    [$root, $path, $host] = [dirname($_SERVER['DOCUMENT_ROOT']), $_SERVER['REQUEST_URI'], preg_replace('/:\d+$/', '', $_SERVER['HTTP_HOST'])];
    unset($_SERVER['HTTP_X_LARAVEL_FAB'], $_SERVER['PATH_INFO'], $hash);
} else {
    http_response_code(404);
    exit;
}
chdir("$root/public");
$_SERVER = array_merge($_SERVER, [
    'REQUEST_METHOD' => 'GET', 'REQUEST_URI' => $path, 'QUERY_STRING' => (string) parse_url($path, PHP_URL_QUERY), 'HTTP_HOST' => $host,
    'SERVER_NAME' => $host, 'SERVER_PORT' => $https ? '443' : '80', 'HTTPS' => $https ? 'on' : '', 'SERVER_PROTOCOL' => 'HTTP/1.1',
    'SCRIPT_NAME' => '/index.php', 'PHP_SELF' => '/index.php', 'SCRIPT_FILENAME' => "$root/public/index.php", 'DOCUMENT_ROOT' => "$root/public",
    'REMOTE_ADDR' => '127.0.0.1', 'HTTP_USER_AGENT' => 'laravel-fab', 'HTTP_ACCEPT' => '*/*',
]);
if ($pass = bypass($root)) {
    $_COOKIE['laravel_maintenance'] = $pass;
}
$sizes = fn (): array => array_combine($logs = glob("$root/storage/logs/*.log") ?: [], array_map('filesize', $logs));
$before = $sizes();
$got = (object) ['body' => ''];
ob_start(function (string $more) use ($got): string { // it gets all, though who answers may close buffers and flush
    $got->body .= $more;
    return '';
});
register_shutdown_function(function () use ($sizes, $before, $got): void {
    $error = error_get_last();
    $fatal = $error && $error['type'] & (E_ERROR | E_PARSE | E_CORE_ERROR | E_COMPILE_ERROR | E_USER_ERROR);
    while (ob_get_level() && ob_end_flush()) {
    }
    // Up to Laravel 10, public/index.php leaves its response here, with the exception that visitors are not shown.
    $thrown = $GLOBALS['response']->exception ?? null;
    $reason = $thrown ? get_class($thrown) . ": {$thrown->getMessage()} in {$thrown->getFile()}:{$thrown->getLine()}" : '';
    // From Laravel 11 on it keeps it to itself; then what the request added to the log tells.
    clearstatcache();
    foreach ($reason ? [] : $sizes() as $log => $size) {
        $added = $size > ($before[$log] ?? 0) ? file_get_contents($log, false, null, $before[$log] ?? 0, 4000) : '';
        $reason = preg_match('/^\[.*?\] \S+\.(?:ERROR|CRITICAL|ALERT|EMERGENCY): .*/m', $added, $found) ? $found[0] : $reason;
    }
    $text = $fatal ? $error['message'] : ($reason ?: strip_tags(preg_replace('~<(style|script)\b.*?</\1>~is', ' ', $got->body)));
    $status = $fatal ? 500 : (http_response_code() ?: 200);
    if (PHP_SAPI !== 'cli' && !headers_sent()) {
        header_remove();
    }
    echo PHP_SAPI === 'cli' ? '' : "\n", "status $status\n";
    if ($status < 200 || $status > 299) {
        echo substr(trim(preg_replace('/\s+/', ' ', $text)), 0, 600), "\n";
    }
});
require "$root/public/index.php";
