<?php
// laravel-fab asks which release answers: public/index.php requires this before it boots, as long as somebody asks.
// Who shows the token that .laravel-fab holds the hash of, before its time is over, is told which release PHP runs: the one
// whose index.php stands in the backtrace, whatever path led there. Everybody else meets the application.
(static function (): void {
    if (!isset($_SERVER['HTTP_X_LARAVEL_FAB'])) {
        return;
    }
    [$token, $act] = explode(' ', $_SERVER['HTTP_X_LARAVEL_FAB']) + ['', ''];
    [$hash, $until] = explode(' ', (string) @file_get_contents(__DIR__ . '/.laravel-fab')) + ['', '0'];
    if (time() > (int) $until || !hash_equals($hash, hash('sha256', $token))) {
        return;
    }
    $index = debug_backtrace(DEBUG_BACKTRACE_IGNORE_ARGS)[1]['file'] ?? '';
    $release = $index === '' ? '' : basename(dirname($index, 2));
    $reset = null;
    if ($act === 'reset') {
        clearstatcache(true);
        $reset = function_exists('opcache_reset') ? @opcache_reset() : null;
    } elseif ($act === 'clear') {
        clearstatcache(true);
    }
    usleep($act === 'clear' ? 20000 : 2000); // meanwhile the next one has to go to another worker
    header('Content-Type: application/json');
    header('Cache-Control: no-store');
    http_response_code(200);
    $named = strpos($_SERVER['SCRIPT_FILENAME'] ?? '', "/$release/public/") !== false;
    exit(json_encode(['laravel-fab' => $release, 'pid' => getmypid(), 'named' => $named, 'reset' => $reset]));
})();
