<?php
// Which release answers visitors of page $argv[9], if there is one for that, or of $argv[7] (at address $argv[1]), and if not only
// $argv[2], as often as $argv[3] says: what makes PHP forget the one before. $argv[4] is how many seconds all may take, $argv[5] the
// pool's socket, $argv[8] the script to run in it, $argv[6] the rungs to try: "look" first, which ends it where nothing is needed;
// "fpm", through the socket; "web", by way of the site; "blind", through the socket where nobody tells, as without a URL. Prints a
// line of JSON; exit status 3: an old release answers, 4: nobody tells and nothing was done.
// On each rung, first every worker forgets resolved paths (each has its own, for 120 seconds), then OPcache is reset, which all
// share: in the other order, a worker that still takes current for the release before fills it with that again.
require 'visit.php';
require 'fcgi.php';
[, $address, $release, $wanted, $seconds, $socket, $rungs, $url, $script, $once] = $argv;
$rungs = explode(',', $rungs);
$site = site($url ?: $once ?: 'http://localhost', $address);
$token = preg_match('/^X-Laravel-Fab: (\S+)/mi', $site['headers'], $match) ? $match[1] : '';
$site['headers'] = preg_replace('/^X-Laravel-Fab:.*\R?/mi', '', $site['headers']);
$deadline = microtime(true) + $seconds;
$queried = fn (string $page): string => $page . (strpos($page, '?') === false ? '?' : '&') . 'laravel-fab=';
$pages = array_map(fn (string $of): string => $queried(site($of, '')['page']), array_values(array_filter([$once, $url])));
$page = $pages[0] ?? '';

/** What $count visitors at the same moment are told, and how many were told nothing. */
function ask(string $way, string $act, int $count): array
{
    global $site, $token, $socket, $script, $deadline, $page;
    $sent = $told = [];
    $until = min($deadline, microtime(true) + 10);
    for ($i = 0; $i < $count; $i++) {
        $sent[] = $way === 'fpm'
            ? pool_send($socket, $script, ['HTTP_X_LARAVEL_FAB' => "$token $act"])
            : send($site, $page . bin2hex(random_bytes(6)), max(0.1, $until - microtime(true)), "X-Laravel-Fab: $token $act\r\n");
    }
    $why = '';
    foreach ($sent as $one) {
        [$status, $body, $errors] = $way === 'fpm' ? pool_answer($one, max(0.1, $until - microtime(true))) : [...answer($one, $until), ''];
        $said = json_decode($body, true);
        isset($said['laravel-fab']) ? $told[] = $said : $why = trim(($status ?: '') . ' ' . substr(strip_tags($errors ?: $body), 0, 200));
    }
    return [$told, $why];
}

/** Who answers: releases, whether their path says so, and why nobody does. */
function look(int $count): array
{
    global $pages, $page, $once;
    for ($try = 0; $try < 3 * count($pages); $try++) {
        $page = $pages[intdiv($try, 3)];
        [$told, $why] = ask('web', 'ask', $count);
        if ($told) {
            $ids = array_values(array_unique(array_column($told, 'laravel-fab')));
            // Who does not find the page for this, looks for it in a release that is gone.
            $named = !in_array(false, array_column($told, 'named'), true) && ($why === '' || $once === '' || $page !== $pages[0]);
            return ['ids' => $ids, 'named' => $named, 'pid' => $told[0]['pid'], 'why' => $why];
        }
        usleep(200000);
    }
    return ['ids' => [], 'named' => false, 'pid' => 0, 'why' => $why ?? 'no url'];
}

/** The processes that $pid is one of: same parent, same name. Where there is no /proc, or it hides others', nobody. */
function workers(int $pid): array
{
    $kin = fn ($id) => [preg_replace('/^.*\) \S (\d+) .*$/s', '$1', (string) @file_get_contents("/proc/$id/stat")), (string) @file_get_contents("/proc/$id/cmdline")];
    $mine = $kin($pid);
    $all = array_map('intval', array_filter(@scandir('/proc') ?: [], 'is_numeric'));
    return $mine[1] === '' ? [] : array_values(array_filter($all, fn ($id) => $kin($id) === $mine));
}

/** A worker of PHP-FPM's that may be told so ends after its request, and another takes its place (SIGQUIT, as in a reload). */
function retired(int $pid): bool
{
    $name = (string) @file_get_contents("/proc/$pid/cmdline");
    return $name === '' || (strpos($name, 'php-fpm: pool') === 0 && function_exists('posix_kill') && posix_kill($pid, 3));
}

/** One rung: how many workers forgot, how many could not be met, and what became of OPcache. */
function climb(string $way): array
{
    global $deadline, $pages;
    [$told, $why] = $way === 'web' && !$pages ? [[], 'PHP does not tell which release it runs'] : ask($way, 'clear', 1);
    if (!$told) {
        return ['way' => $way, 'why' => $why];
    }
    $pid = $told[0]['pid'];
    $met = [$pid => true];
    $left = function () use ($pid, &$met): array {
        return array_filter(workers($pid), fn ($id) => !isset($met[$id]));
    };
    $known = workers($pid) !== [];
    $until = min($deadline, ($begun = microtime(true)) + 5);
    for ($idle = 0; $idle < 5 && microtime(true) < $until; $idle = $known || count($met) > $before ? 0 : $idle + 1) {
        // The last one that is busy notices by itself: OPcache starts anew when nobody uses it, which is before its next request.
        if ($known && count($left()) <= (microtime(true) - $begun > 1 ? 1 : 0)) {
            break;
        }
        $before = count($met);
        $met += array_fill_keys(array_column(ask($way, 'clear', $known ? min(64, count(workers($pid))) : 16)[0], 'pid'), true);
        usleep($known && count($met) === $before ? 100000 : 0); // those that are left are busy with somebody's request
    }
    $busy = count($left()) > 1 ? count(array_filter($left(), fn (int $id): bool => !retired($id))) : 0;
    [$told, $why] = ask($way, 'reset', 1);
    return ['way' => $way, 'workers' => count($met), 'busy' => $busy, 'why' => $told ? '' : $why, 'reset' => $told[0]['reset'] ?? false];
}

$count = max(4, (int) $wanted);
$found = $now = look($count);
$new = fn (array $seen): bool => $seen['ids'] === [$release];
$blind = in_array('blind', $rungs, true) && !$found['ids'];
$done = [];
if (!in_array('look', $rungs, true) || $blind || ($found['ids'] && !($new($found) && $found['named']))) {
    foreach ($blind ? ['fpm'] : array_diff($rungs, ['look', 'blind']) as $way) {
        $done[] = $rung = climb($way);
        if (isset($rung['workers'])) {
            $now = $found['ids'] ? look(max($count, min(64, 2 * $rung['workers']))) : $now;
        }
        if ($rung['why'] === '' && $rung['reset'] !== false && ($new($now) || !$now['ids'])) {
            break;
        }
    }
}
for ($try = 0; $rungs === ['look'] && $now['ids'] && !$new($now) && $try < 5; $try++) { // a command's work may take its time
    usleep(300000);
    $now = look($count);
}
echo json_encode(['found' => $found, 'done' => $done, 'now' => $now]), "\n";
exit($new($now) ? 0 : ($now['ids'] ? 3 : ($done && $rung['why'] === '' && $rung['reset'] !== false ? 0 : 4)));
