<?php
// Makes the manifest of a new tree and takes what it can of the tree from an old one; contents are verified afterwards.
//   assemble.php OLD OLD-MANIFEST NEW NEW-MANIFEST PATCH
// PATCH is in the order of paths, too: a line of kind "-" for what goes, a new line for what comes or changes; after it a tab, which
// no path of an artifact has, and the old path of its content if there is one. What is in NEW already stays. Prints the SHA-256 of the
// manifest.
// Files are copied, never hard-linked: an edit in one release must not show in another.
error_reporting(E_ALL);
ini_set('memory_limit', '-1');
require 'lines.php';
umask(022);
[, $old, $manifest, $new, $wanted, $patch] = $argv;

function take(string $from, string $to, string $kind, string $mode): void
{
    if ($kind === 'L') {
        if (is_link($from)) {
            symlink(readlink($from), $to) || exit(1);
        }
    } elseif (is_file($from) && !is_link($from) && is_readable($from)) {
        copy($from, $to) && chmod($to, $mode === '755' ? 0755 : 0644) || exit(1);
    }
}

function changes(string $patch): Generator
{
    foreach (entries($patch) as $path => $line) {
        yield explode("\t", $path)[0] => $line;
    }
}

// A line is told when what it is about is there: a folder comes before what is in it.
function tree(string $old, string $manifest, string $new, string $patch): Generator
{
    foreach (both(entries($manifest), changes($patch)) as $path => [$line, $change]) {
        [$line, $from] = $change === '' ? [$line, $path] : explode("\t", $change, 2);
        [$kind, $mode] = explode(' ', $line, 3);
        if ($kind === '-') {
            continue;
        }
        $to = "$new/$path";
        if (!is_link($to) && !file_exists($to)) {
            if ($kind === 'D') {
                mkdir($to, 0755, true) || exit(1);
            } elseif ($from !== '') {
                take("$old/$from", $to, $kind, $mode);
            }
        }
        yield $line;
    }
}

try {
    echo save(tree($old, $manifest, $new, $patch), $wanted), "\n";
} catch (RuntimeException $error) {
    echo $error->getMessage(), "\n";
    exit(1);
}
