<?php
// Every entry of a tree as a line: kind, mode, SHA-256, size, path.
//   manifest.php print ROOT
//   manifest.php write ROOT MANIFEST             into a file; prints its SHA-256
//   manifest.php check ROOT MANIFEST [PATH …]    differences; PATHs and what is below them are passed over
//   manifest.php first RELEASES RECORDS "ID …" [PATH …]    the first of these releases that is whole, and what is wrong with those before
// What MANIFEST's neighbour .bridged lists, assets of other releases (server/assets.sh), may be there too, as it was built.
// Exit code 0: the same, printed or written; 1: different, or none is whole.
error_reporting(E_ALL);
ini_set('memory_limit', '-1');
[, $mode, $root] = $argv;
$over = array_slice($argv, 4);

function passed_over(string $path, array $over): bool
{
    foreach ($over as $name) {
        if ($path === $name || strncmp($path, "$name/", strlen($name) + 1) === 0) {
            return true;
        }
    }
    return false;
}

function line(string $root, string $path): string
{
    $full = "$root/$path";
    if (is_link($full)) {
        $target = readlink($full);
        return 'L 777 ' . hash('sha256', $target) . ' ' . strlen($target) . " $path";
    }
    if (is_dir($full)) {
        return "D 755 - 0 $path";
    }
    if (!is_file($full)) { // to read a pipe would take for ever
        return "X 000 - 0 $path";
    }
    $mode = fileperms($full) & 0100 ? '755' : '644';
    return "F $mode " . hash_file('sha256', $full) . ' ' . filesize($full) . " $path";
}

function lines(string $root, string $folder, array $over): Generator
{
    foreach (scandir("$root/$folder") as $name) {
        $path = $folder === '' ? $name : "$folder/$name";
        if ($name === '.' || $name === '..' || passed_over($path, $over)) {
            continue;
        }
        yield line($root, $path);
        if (is_dir("$root/$path") && !is_link("$root/$path")) {
            yield from lines($root, $path, $over);
        }
    }
}

function text(string $root): string
{
    $sorted = [];
    foreach (lines($root, '', []) as $line) {
        $sorted[explode(' ', $line, 5)[4]] = $line;
    }
    ksort($sorted, SORT_STRING);
    return $sorted ? implode("\n", $sorted) . "\n" : '';
}

if ($mode === 'print') {
    echo text($root);
    exit(0);
}
if ($mode === 'write') {
    umask(077);
    $text = text($root);
    if (file_put_contents($argv[3], $text) !== strlen($text)) {
        exit(1);
    }
    echo hash('sha256', $text), "\n";
    exit(0);
}

// The lines of what was linked into a release, and of the folders around it, by path.
function bridged(string $manifest): array
{
    $found = [];
    $list = preg_replace('/manifest$/D', 'bridged', $manifest);
    foreach ($list !== $manifest && is_file($list) ? file($list, FILE_IGNORE_NEW_LINES) : [] as $line) {
        [, , , , , $path] = explode(' ', $line, 6);
        $found[$path] = explode(' ', $line, 2)[1];
        for ($folder = dirname($path); $folder !== '.'; $folder = dirname($folder)) {
            $found[$folder] = "D 755 - 0 $folder";
        }
    }
    return $found;
}

// What differs, a line each; without $added what was put there meanwhile does not count.
function differences(string $root, string $manifest, array $over, bool $added, int &$count): Generator
{
    $expected = [];
    foreach (file($manifest, FILE_IGNORE_NEW_LINES) as $line) {
        [, , , , $path] = explode(' ', $line, 5);
        if (!passed_over($path, $over)) {
            $expected[$path] = $line;
        }
    }
    $count = count($expected);
    $bridged = bridged($manifest);
    foreach (lines($root, '', $over) as $line) {
        [, , , , $path] = explode(' ', $line, 5);
        if (!isset($expected[$path])) {
            if ($added && ($bridged[$path] ?? '') !== $line) {
                yield "added $path";
            }
        } elseif ($expected[$path] !== $line) {
            yield "changed $path";
        }
        unset($expected[$path]);
    }
    foreach (array_keys($expected) as $path) {
        yield "removed $path";
    }
}

if ($mode === 'first') {
    [, , , $records, $ids] = $argv;
    $over = array_slice($argv, 5);
    foreach (explode(' ', $ids) as $id) {
        $count = 0;
        $there = is_dir("$root/$id") && is_file("$records/$id.manifest");
        $found = $there ? iterator_to_array(differences("$root/$id", "$records/$id.manifest", $over, false, $count), false) : ['no manifest'];
        if ($found === [] && $count > 0) {
            echo "whole $id\n";
            exit(0);
        }
        $more = count($found) > 3 ? ' and ' . (count($found) - 3) . ' more' : '';
        echo "broken $id ", implode(', ', array_slice($found, 0, 3)) ?: 'an empty manifest', $more, "\n";
    }
    exit(1);
}

$different = $count = 0;
foreach (differences($root, $argv[3], $over, true, $count) as $text) {
    $different++;
    echo $text, "\n";
}
echo $different ? "$different different of $count\n" : "verified $count\n";
exit($different ? 1 : 0);
