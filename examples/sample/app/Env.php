<?php

namespace App;

/** The file .env: NAME=value lines, quotes around a value, # before a comment. The process's environment wins. */
final class Env
{
    /** @var array<string, string> */
    private static array $values = [];

    public static function load(string $file): void
    {
        self::$values = [];
        foreach (is_file($file) ? file($file, FILE_IGNORE_NEW_LINES) : [] as $line) {
            if (preg_match('/^\s*([A-Za-z_]\w*)=(?:"((?:[^"\\\\]|\\\\.)*)"|\'([^\']*)\'|([^#]*))/', $line, $found)) {
                self::$values[$found[1]] = isset($found[4]) ? trim($found[4]) : ($found[3] ?? '') . stripslashes($found[2]);
            }
        }
    }

    public static function get(string $name): mixed
    {
        $value = getenv($name);
        $value = $value === false ? (self::$values[$name] ?? null) : $value;
        return match ($value) {
            'true' => true,
            'false' => false,
            'null', '' => null,
            default => $value,
        };
    }
}
