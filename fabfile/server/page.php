<?php
// Where public/index.php lets nobody tell which release answers: a page beside it, under a name that nobody can guess, for as long
// as somebody asks. Who shows the token that $proof holds the hash of, before its time is over, is told whose index.php PHP runs
// under the name that the web server hands over, whatever its caches take that for. Everybody else is told nothing.
[$token, $act] = explode(' ', $_SERVER['HTTP_X_LARAVEL_FAB'] ?? '') + ['', ''];
[$hash, $until] = explode(' ', $proof);
if (time() > (int) $until || !hash_equals($hash, hash('sha256', $token))) {
    time() > (int) $until && @unlink(__FILE__);
    http_response_code(404);
    exit;
}
$tell = static function () use ($act): void {
    $index = preg_grep('~/\d{14}/public/index\.php$~', get_included_files());
    if (!$index || headers_sent() || defined('LARAVEL_FAB_TOLD')) {
        return;
    }
    define('LARAVEL_FAB_TOLD', true);
    $release = basename(dirname(end($index), 2));
    $named = strpos($_SERVER['SCRIPT_FILENAME'], "/$release/public/") !== false;
    if ($act !== '') {
        clearstatcache(true);
    }
    $reset = $act === 'reset' ? function_exists('opcache_reset') && @opcache_reset() : null;
    usleep($act === 'clear' ? 20000 : 2000); // meanwhile the next one has to go to another worker
    while (ob_get_level() && ob_end_clean()) {
    }
    header_remove();
    header('Content-Type: application/json');
    header('Cache-Control: no-store');
    http_response_code(200);
    exit(json_encode(['laravel-fab' => $release, 'pid' => getmypid(), 'named' => $named, 'reset' => $reset]));
};
// Its first statement defines this: that it cannot do so again is where it is stopped, before anything boots. One that defines no such
// thing answers as it always does, and is told of instead of its answer.
define('LARAVEL_START', microtime(true));
set_error_handler(static function () use ($tell): bool {
    $tell();
    return false;
});
register_shutdown_function($tell);
unset($_SERVER['HTTP_X_LARAVEL_FAB']); // it is this page that tells, not what index.php may require
ob_start();
require dirname($_SERVER['SCRIPT_FILENAME']) . '/index.php';
