<?php
// Every entry of a tree as a line: kind, mode, SHA-256, size, path.
//   manifest.php print ROOT
//   manifest.php write ROOT MANIFEST             into a file; prints its SHA-256
//   manifest.php check ROOT MANIFEST [PATH …]    differences; PATHs and what is below them are passed over
//   manifest.php first RELEASES RECORDS "ID …" [PATH …]    the first of these releases that is whole, and what is wrong with those before
// What MANIFEST's neighbour .bridged lists, assets of other releases (server/assets.sh), may be there too, as it was built.
// It is read while the tree is walked, in one order; where it is in another ("out-of-order PATH") nothing is verified.
// Exit code 0: the same, printed or written; 1: different, or none is whole.
error_reporting(E_ALL);
ini_set('memory_limit', '-1');
require 'lines.php';
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

// path => line. What is in folder "a" comes where "a/" does: after "a-b" and "a.b", before "a0".
function lines(string $root, string $folder, array $over): Generator
{
    $names = array_diff(scandir("$root/$folder", SCANDIR_SORT_NONE) ?: [], ['.', '..']);
    sort($names, SORT_STRING);
    $open = []; // the last one is the next one
    foreach ($names as $name) {
        $path = "$folder$name";
        while ($open && strcmp(end($open), $path) < 0) {
            yield from lines($root, array_pop($open), $over);
        }
        if (passed_over($path, $over)) {
            continue;
        }
        yield $path => $line = line($root, $path);
        if ($line[0] === 'D') {
            $open[] = "$path/";
        }
    }
    while ($open) {
        yield from lines($root, array_pop($open), $over);
    }
}

if ($mode === 'print') {
    save(lines($root, '', []), 'php://output');
    exit(0);
}
if ($mode === 'write') {
    echo save(lines($root, '', []), $argv[3]), "\n";
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
    $bridged = bridged($manifest);
    try {
        foreach (both(entries($manifest), lines($root, '', $over)) as $path => [$wanted, $there]) {
            if ($wanted === '') {
                if ($added && ($bridged[$path] ?? '') !== $there) {
                    yield "added $path";
                }
            } elseif (!passed_over($path, $over)) {
                $count++;
                if ($wanted !== $there) {
                    yield ($there === '' ? 'removed' : 'changed') . " $path";
                }
            }
        }
    } catch (RuntimeException $error) {
        yield $error->getMessage();
    }
}

if ($mode === 'first') {
    [, , , $records, $ids] = $argv;
    $over = array_slice($argv, 5);
    foreach (explode(' ', $ids) as $id) {
        $count = $more = 0;
        $found = [];
        $there = is_dir("$root/$id") && is_file("$records/$id.manifest");
        foreach ($there ? differences("$root/$id", "$records/$id.manifest", $over, false, $count) : ['no manifest'] as $text) {
            count($found) < 3 ? $found[] = $text : $more++;
        }
        if ($found === [] && $count > 0) {
            echo "whole $id\n";
            exit(0);
        }
        echo "broken $id ", implode(', ', $found) ?: 'an empty manifest', $more ? " and $more more" : '', "\n";
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
