<?php
// Makes the manifest of a new tree and takes what it can of the tree from an old one; contents are verified afterwards.
//   assemble.php OLD OLD-MANIFEST NEW NEW-MANIFEST PATCH
// PATCH: "-PATH" for what goes, "+LINE" for what comes or changes. What is in NEW already stays. Prints the SHA-256 of
// the manifest. Files are copied, never hard-linked: an edit in one release must not show in another.
error_reporting(E_ALL);
ini_set('memory_limit', '-1');
umask(022);
[, $old, $manifest, $new, $wanted, $patch] = $argv;

function entries(string $file): array
{
    $found = [];
    foreach (file($file, FILE_IGNORE_NEW_LINES) as $line) {
        $found[explode(' ', $line, 5)[4]] = $line;
    }
    return $found;
}

function content(string $line): string
{
    [$kind, , $sha] = explode(' ', $line, 4);
    return "$kind $sha";
}

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

$before = $lines = entries($manifest);
$source = [];
foreach ($before as $path => $line) {
    $source[content($line)] = $path;
}
foreach (file($patch, FILE_IGNORE_NEW_LINES) as $change) {
    $line = substr($change, 1);
    if ($change[0] === '-') {
        unset($lines[$line]);
    } else {
        $lines[explode(' ', $line, 5)[4]] = $line;
    }
}
ksort($lines, SORT_STRING); // a folder comes before what is in it
foreach ($lines as $path => $line) {
    [$kind, $mode] = explode(' ', $line, 3);
    if (is_link("$new/$path") || file_exists("$new/$path")) {
        continue;
    }
    if ($kind === 'D') {
        mkdir("$new/$path", 0755, true) || exit(1);
    } elseif (isset($source[content($line)])) {
        $same = isset($before[$path]) && content($before[$path]) === content($line);
        take("$old/" . ($same ? $path : $source[content($line)]), "$new/$path", $kind, $mode);
    }
}
$text = $lines ? implode("\n", $lines) . "\n" : '';
umask(077);
if (file_put_contents($wanted, $text) !== strlen($text)) {
    exit(1);
}
echo hash('sha256', $text), "\n";
