<?php

namespace App;

use RuntimeException;

/** The hashed files that Vite built, by the name of their source. */
final class Assets
{
    public static function url(string $source): string
    {
        $manifest = json_decode(file_get_contents(public_path('build/manifest.json')), true);
        if (! isset($manifest[$source])) {
            throw new RuntimeException("{$source} is not in public/build/manifest.json");
        }

        return asset('build/'.$manifest[$source]['file']);
    }
}
