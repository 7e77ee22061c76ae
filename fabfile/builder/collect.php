<?php
// Gives what ships plain modes and one time, and lists it as manifest.php does. Prints the list's SHA-256 and the number of entries, and
// the bytes that all of it takes where folder SITE is, or will be, on another disk; 0 where it is on the same.
//   collect.php ROOT MANIFEST TIME [SEEN [SITE]]
// TIME is in seconds since 1970. SEEN is what was noted of ROOT/vendor when that was last read (tree.php).
error_reporting(E_ALL);
ini_set('memory_limit', '-1');
require '../engine/lines.php';
require '../engine/tree.php';
[, $root, $manifest, $time] = $argv;
$seen = is_file($argv[4] ?? '') ? entries($argv[4]) : new EmptyIterator();
$since = is_file($argv[4] ?? '') ? filemtime($argv[4]) : 0;
$count = 0;
$bytes = 0;

// The SHA-256 of a file that nothing has happened to since it was read; else ''.
function known(string $path, array $now): string
{
    global $seen, $since;
    try {
        while ($seen->valid() && strcmp('vendor/' . $seen->key(), $path) < 0) {
            $seen->next();
        }
    } catch (RuntimeException $error) { // what is no list says nothing
        $seen = new EmptyIterator();
    }
    if (!$seen->valid() || 'vendor/' . $seen->key() !== $path || $now['ctime'] >= $since) {
        return '';
    }
    [, $inode, $sum, $size] = explode(' ', $seen->current());
    return [$inode, $size] === [(string) $now['ino'], (string) $now['size']] ? $sum : '';
}

function settled(string $root, string $path, array $now): string
{
    global $time, $count, $bytes;
    $count++;
    $bytes += max(1, (int) ceil($now['size'] / 4096)) * 4096;
    $full = "$root/$path";
    $type = $now['mode'] & 0170000;
    if ($type !== 0100000 && $type !== 0040000) {
        return line($root, $path, $now);
    }
    $sum = $type === 0100000 ? known($path, $now) : '';
    $mode = $type === 0040000 || $now['mode'] & 0100 ? 0755 : 0644;
    if (($now['mode'] & 07777) !== $mode && !chmod($full, $mode) || !touch($full, (int) $time)) {
        fwrite(STDERR, "$path can be given no mode and time\n");
        exit(1);
    }
    return $sum === '' ? line($root, $path, $now) : sprintf('F %o %s %d %s', $mode, $sum, $now['size'], $path);
}

$digest = save(lines($root, 'settled'), $manifest);
for ($site = $argv[5] ?? ''; $site !== '' && !file_exists($site) && $site !== dirname($site); $site = dirname($site));
echo "$digest $count ", $site !== '' && stat($site)['dev'] !== stat($root)['dev'] ? $bytes : 0, "\n";
