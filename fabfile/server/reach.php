<?php
// Opens the default database connection of the Laravel application in $argv[1], by its own effective settings, and prints its name;
// "none" where it has none, nothing where this is no Laravel. Exit status 1 and the reason where it cannot be opened three times in a row:
// one refusal is the bad moment of a busy server.
chdir($argv[1]);
if (!is_file('vendor/autoload.php') || !is_file('bootstrap/app.php')) {
    exit(0);
}
require 'vendor/autoload.php';
$app = require 'bootstrap/app.php';
if (!is_object($app) || !method_exists($app, 'make') || !interface_exists(Illuminate\Contracts\Console\Kernel::class)) {
    exit(0);
}
$app->make(Illuminate\Contracts\Console\Kernel::class)->bootstrap();
$name = $app->make('config')->get('database.default');
if (!is_string($name) || $name === '' || !$app->bound('db')) {
    exit("none\n");
}
for ($left = 3; $left > 0; usleep(200000)) {
    try {
        $app->make('db')->connection($name)->getPdo();
        break;
    } catch (Throwable $error) {
        if (--$left === 0) {
            file_put_contents('php://stderr', "$name: {$error->getMessage()}\n");
            exit(1);
        }
    }
}
echo "$name\n";
