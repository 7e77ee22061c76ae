<?php

// What Composer would write for an application without packages: the classes of App\ are files below app/.
spl_autoload_register(static function (string $class): void {
    $file = dirname(__DIR__) . '/app/' . str_replace('\\', '/', substr($class, 4)) . '.php';
    if (str_starts_with($class, 'App\\') && is_file($file)) {
        require $file;
    }
});
