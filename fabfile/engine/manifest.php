<?php
// Every entry of a tree as a line: kind, mode, SHA-256, size, path.
//   manifest.php print ROOT
//   manifest.php write ROOT MANIFEST [SEEN]      into a file; prints its SHA-256. SEEN: which files that were (tree.php)
//   manifest.php check ROOT MANIFEST [PATH …]    differences; PATHs and what is below them are passed over
//   manifest.php first RELEASES RECORDS "ID …" [PATH …]    the first of these releases that is whole, and what is wrong with those before
// What MANIFEST's neighbour .bridged lists, assets of other releases (server/assets.sh), may be there too, as it was built.
// It is read while the tree is walked, in one order; where it is in another ("out-of-order PATH") nothing is verified.
// Exit code 0: the same, printed or written; 1: different, or none is whole.
error_reporting(E_ALL);
ini_set('memory_limit', '-1');
require 'lines.php';
require 'tree.php';
[, $mode, $root] = $argv;
$over = array_slice($argv, 4);

if ($mode === 'print') {
    save(lines($root), 'php://output');
    exit(0);
}
if ($mode === 'write') {
    echo save(isset($argv[4]) ? seen($root, $argv[4]) : lines($root), $argv[3]), "\n";
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
        foreach (both(entries($manifest), lines($root, 'line', $over)) as $path => [$wanted, $there]) {
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
