<?php
// Runs the artisan of the folder it is started in, with the words behind its name, as PHP itself would do: its exit status is theirs.
// Where that booted a Laravel, it opens the default database connection as well, by the application's own effective settings, and ends
// with a line of ours: "laravel-fab reaches NAME: yes", or why not in its place; NAME is empty where there is no default connection. Refused
// three times in a row is why not: one refusal is the bad moment of a busy server.
$argv = array_slice($argv, 1);
$argc = count($argv);
[$_SERVER['argv'], $_SERVER['argc']] = [$argv, $argc];
// What PHP has opened for a file, and not for what it reads itself: whoever opened them first would close them for all.
foreach (['STDIN' => 'r', 'STDOUT' => 'w', 'STDERR' => 'w'] as $name => $mode) {
    defined($name) || define($name, fopen('php://' . strtolower($name), $mode));
}
foreach (['PHP_SELF', 'SCRIPT_NAME', 'SCRIPT_FILENAME', 'PATH_TRANSLATED'] as $name) {
    $_SERVER[$name] = $argv[0];
}
register_shutdown_function(static function (): void {
    $app = class_exists(Illuminate\Container\Container::class, false) ? Illuminate\Container\Container::getInstance() : null;
    if (!$app || !method_exists($app, 'isBooted') || !$app->isBooted() || !$app->bound('config')) {
        return;
    }
    $name = $app->make('config')->get('database.default');
    $name = is_string($name) && $app->bound('db') ? $name : '';
    fwrite(STDOUT, "\nlaravel-fab reaches $name: ");
    for ($left = 3, $said = 'yes'; $name !== '' && $left > 0; usleep(200000)) {
        try {
            $app->make('db')->connection($name)->getPdo();
            break;
        } catch (Throwable $error) {
            $said = --$left === 0 ? $error->getMessage() : $said;
        }
    }
    fwrite(STDOUT, "$said\n");
});
require getcwd() . "/$argv[0]";
