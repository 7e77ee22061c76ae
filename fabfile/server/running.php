<?php
// Which processes run the code of a site: workers, schedulers, servers of their own; not those of a web server, whose requests end by
// themselves.
function release(array $roots, string $text): string
{
    foreach ($roots as $root) {
        if (preg_match('~' . preg_quote("$root/releases/", '~') . '(\d{14})(?!\d)~', $text, $found)) {
            return $found[1];
        }
    }
    return '';
}

// Since when, in seconds: the kernel says it in ticks since it started, 100 to a second wherever PHP can be asked.
function age(string $proc): float
{
    $stat = explode(' ', substr(strrchr((string) @file_get_contents("$proc/stat"), ')'), 2));
    return (float) file_get_contents('/proc/uptime') - ($stat[19] ?? 0) / 100;
}

// Through current, a process has the release that it led to when the process started.
function through(array $roots, string $line, float $age): ?string
{
    foreach ($roots as $root) {
        if (strpos($line, "$root/current/") !== false) {
            clearstatcache();
            $link = @lstat("$root/current");
            return $link && $age > microtime(true) - $link['ctime'] ? 'an earlier one' : null;
        }
    }
    return '';
}

function processes(array $roots, string $served): array
{
    $runs = [];
    $unseen = 0;
    foreach (glob('/proc/[0-9]*', GLOB_NOSORT) ?: [] as $proc) {
        $words = explode("\0", rtrim((string) @file_get_contents("$proc/cmdline"), "\0"));
        $line = implode(' ', $words);
        $program = basename($words[0]);
        $artisan = (bool) preg_grep('~(^|/)artisan$~', $words);
        $known = preg_match('~^((?!.*(fpm|cgi|lsphp))\S*php\S*|node|MainThread|bun|deno|rr|swoole\S*)$~', $program);
        if (!$known || strpos($line, ' -S ') || basename($proc) === @readlink('/proc/self')) {
            continue;
        }
        $age = age($proc);
        $open = array_map(fn ($fd) => (string) @readlink($fd), glob("$proc/fd/*", GLOB_NOSORT) ?: []);
        $folder = (string) @readlink("$proc/cwd");
        $script = implode("\n", preg_grep('~/storage/~', $open, PREG_GREP_INVERT)); // PHP keeps it open
        $found = release($roots, $script) ?: release($roots, $line);
        $found = $found ?: (through($roots, $line, $age) ?? $served) ?: release($roots, "$folder/");
        if ($found) {
            $runs[] = ['pid' => (int) basename($proc), 'release' => $found, 'command' => substr($line, 0, 120), 'seconds' => (int) $age];
        } elseif ($artisan && $folder === '' && is_dir($proc)) {
            $unseen++;
        }
    }
    return [$runs, $unseen];
}

// Asked again until none runs another release than $served, or only Octane or schedule:work does, which have to be restarted, or so many
// seconds are over; then until any runs, or $back more are. Prints a line for each after $mark: "runs" and JSON; and "unseen" for what
// cannot be seen.
function watch(string $root, string $served, string $mark, int $seconds = 0, int $back = 0): void
{
    $roots = array_unique([$root, realpath($root) ?: $root]);
    $until = microtime(true) + $seconds;
    do {
        [$runs, $unseen] = processes($roots, $served);
        $late = array_filter($runs, fn ($one) => $one['release'] !== $served && !preg_match('/octane|schedule:work/', $one['command']));
    } while ($late && microtime(true) < $until && usleep(300000) === null);
    for ($until = microtime(true) + $back; !$runs && microtime(true) < $until; usleep(300000)) {
        [$runs, $unseen] = processes($roots, $served);
    }
    foreach ($runs as $one) {
        echo "$mark runs ", json_encode($one, JSON_INVALID_UTF8_SUBSTITUTE | JSON_UNESCAPED_SLASHES), "\n";
    }
    if (!is_dir('/proc/self')) {
        echo "$mark unseen this server has no /proc\n";
    } elseif (preg_match('~^\S+ /proc proc \S*hidepid=(?!0|off)~m', (string) @file_get_contents('/proc/mounts')) && fileowner('/proc/self') !== 0) {
        echo "$mark unseen this server hides the processes of other users (hidepid)\n";
    } elseif ($unseen) {
        echo "$mark unseen of $unseen processes of other users that run some artisan it cannot be seen from where\n";
    }
}
