<?php
// Lists of entries, in the order of their paths' bytes: read, compared and written line by line, however long they are.

// path => line. In any other order what is compared with it would be missed, so that is refused.
function entries(string $file): Generator
{
    $from = fopen($file, 'r');
    for ($last = ''; $from && ($line = fgets($from)) !== false; $last = $path) {
        $line = rtrim($line, "\n");
        $path = explode(' ', $line, 5)[4] ?? '';
        if (strcmp($last, $path) >= 0) {
            throw new RuntimeException("out-of-order $path");
        }
        yield $path => $line;
    }
}

// path => its lines in both lists, '' where there is none.
function both(Generator $one, Generator $other): Generator
{
    while ($one->valid() || $other->valid()) {
        $order = $one->valid() && $other->valid() ? strcmp($one->key(), $other->key()) : ($one->valid() ? -1 : 1);
        $path = $order > 0 ? $other->key() : $one->key();
        yield $path => [$order > 0 ? '' : $one->current(), $order < 0 ? '' : $other->current()];
        $order > 0 || $one->next();
        $order < 0 || $other->next();
    }
}

function pieces(Generator $lines): Generator
{
    $text = '';
    foreach ($lines as $line) {
        $text .= "$line\n";
        if (strlen($text) > 65536) {
            yield $text;
            $text = '';
        }
    }
    yield $text;
}

// Into a file for its owner; the SHA-256.
function save(Generator $lines, string $file): string
{
    $mask = umask(077);
    ($to = fopen($file, 'w')) || exit(1);
    umask($mask);
    $sum = hash_init('sha256');
    foreach (pieces($lines) as $text) {
        hash_update($sum, $text);
        fwrite($to, $text) === strlen($text) || exit(1);
    }
    return hash_final($sum);
}
