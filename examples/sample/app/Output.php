<?php

namespace App;

/** Prints as Laravel 11's console does, so that what reads its output can read ours. */
final class Output
{
    private const WIDTH = 76;

    public static function info(string $text): int
    {
        echo "\n   INFO  $text  \n\n";
        return 0;
    }

    public static function error(string $text): int
    {
        echo "\n   ERROR  $text  \n\n";
        return 1;
    }

    /** Two columns with dots between them. */
    public static function columns(string $left, string $right): void
    {
        echo "  $left ", str_repeat('.', max(1, self::WIDTH - 2 - strlen($left) - strlen($right))), " $right  \n";
    }

    /** Run a step and say how long it took. */
    public static function timed(string $left, callable $step): void
    {
        $start = hrtime(true);
        $step();
        self::columns($left, sprintf('%.2fms DONE', (hrtime(true) - $start) / 1e6));
    }
}
