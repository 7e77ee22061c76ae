<?php

/** A value of .env or of the process's environment; only config/ may ask, since config:cache ends it. */
function env(string $name, mixed $default = null): mixed
{
    return App\Env::get($name) ?? $default;
}
