<?php
// Entries of a tree as lines: kind, mode, SHA-256, size, path.

function passed_over(string $path, array $over): bool
{
    foreach ($over as $name) {
        if ($path === $name || strncmp($path, "$name/", strlen($name) + 1) === 0) {
            return true;
        }
    }
    return false;
}

// The SHA-256 of a file. OpenSSL needs a tenth of the time that PHP's own takes for it (it uses what the processor has for that), but
// wants all of the content at once.
function checksum(string $full, int $size): string
{
    $data = $size <= 1 << 22 && function_exists('openssl_digest') ? @file_get_contents($full) : false;
    return $data !== false && ($sum = openssl_digest($data, 'sha256')) ? $sum : (string) hash_file('sha256', $full);
}

// $now is what lstat() says of it.
function line(string $root, string $path, array $now): string
{
    $full = "$root/$path";
    switch ($now['mode'] & 0170000) {
        case 0120000:
            $target = readlink($full);
            return 'L 777 ' . hash('sha256', $target) . ' ' . strlen($target) . " $path";
        case 0040000:
            return "D 755 - 0 $path";
        case 0100000:
            return sprintf('F %s %s %d %s', $now['mode'] & 0100 ? '755' : '644', checksum($full, $now['size']), $now['size'], $path);
    }
    return "X 000 - 0 $path"; // to read a pipe would take for ever
}

// path => line, as $line makes it of $root, path and what lstat() says, which is nothing for what has just gone. What is in folder "a"
// comes where "a/" does: after "a-b" and "a.b", before "a0".
function lines(string $root, ?callable $line = null, array $over = [], string $folder = ''): Generator
{
    $line = $line ?? 'line';
    $names = array_diff(scandir("$root/$folder", SCANDIR_SORT_NONE) ?: [], ['.', '..']);
    sort($names, SORT_STRING);
    $open = []; // the last one is the next one
    foreach ($names as $name) {
        $path = "$folder$name";
        while ($open && strcmp(end($open), $path) < 0) {
            yield from lines($root, $line, $over, array_pop($open));
        }
        if (passed_over($path, $over)) {
            continue;
        }
        yield $path => $entry = $line($root, $path, @lstat("$root/$path") ?: ['mode' => 0, 'size' => 0, 'ino' => 0]);
        if ($entry[0] === 'D') {
            $open[] = "$path/";
        }
    }
    while ($open) {
        yield from lines($root, $line, $over, array_pop($open));
    }
}

// The same lines; into $file go those of files with their inodes for modes. It is of the second in which that began: a file whose
// inode was changed before that is the one that was read.
function seen(string $root, string $file): Generator
{
    $began = time();
    $whole = true;
    $notes = '';
    $mask = umask(077);
    ($to = fopen("$file.new", 'w')) || exit(1);
    umask($mask);
    $noted = function (string $root, string $path, array $now) use ($to, &$notes, &$whole): string {
        $line = line($root, $path, $now);
        $notes .= $line[0] === 'F' ? "F {$now['ino']}" . substr($line, 5) . "\n" : '';
        if (strlen($notes) > 65536) {
            $whole = fwrite($to, $notes) === strlen($notes) && $whole;
            $notes = '';
        }
        return $line;
    };
    yield from lines($root, $noted);
    $whole = fwrite($to, $notes) === strlen($notes) && $whole;
    $whole && fclose($to) && touch("$file.new", $began) && rename("$file.new", $file);
}
