<?php
// Prints the default database connection of the Laravel application in $argv[1], as KEY=VALUE lines.
// From the application's own effective settings: .env, config cache and DATABASE_URL have been applied by Laravel itself.
// With names of tables after it, prints for each: its name, about how many rows it has, and its bytes, between tabs.
chdir($argv[1]);
require 'vendor/autoload.php';
$app = require 'bootstrap/app.php';
if (!is_object($app) || !method_exists($app, 'make') || !interface_exists(Illuminate\Contracts\Console\Kernel::class)) {
    exit(0);
}
$app->make(Illuminate\Contracts\Console\Kernel::class)->bootstrap();
$connection = $app->make('db')->connection();
$db = $connection->getConfig();
$sizes = [
    'mysql' => 'SELECT table_rows AS a, data_length + index_length AS b FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ?',
    'pgsql' => 'SELECT reltuples::bigint AS a, pg_total_relation_size(oid) AS b FROM pg_class WHERE oid = to_regclass(quote_ident(?))',
];
foreach ($tables = array_slice($argv, 2) as $table) {
    $sql = $sizes[strtr($db['driver'] ?? '', ['mariadb' => 'mysql'])] ?? exit(0);
    foreach (array_unique([$table, ($db['prefix'] ?? '') . $table]) as $name) {
        foreach ($connection->select($sql, [$name]) as $row) {
            echo $table, "\t", max(0, $row->a), "\t", (int) $row->b, "\n";
        }
    }
}
if ($tables) {
    exit(0);
}
$host = $db['host'] ?? '';
$host = is_array($host) ? reset($host) : $host;
$names = ['driver' => 'driver', 'port' => 'port', 'unix_socket' => 'socket', 'username' => 'user', 'password' => 'password', 'database' => 'database'];
if (($db['driver'] ?? '') === 'sqlite' && !preg_match('~^(/|:memory:$)~', $db['database'] ?? '')) {
    $db['database'] = $app->basePath($db['database'] ?? ''); // as SQLiteConnector does
}
echo "host=$host\n";
foreach ($names as $key => $name) {
    $value = (string) ($db[$key] ?? '');
    if (strpbrk($value, "\r\n\0") !== false) {
        file_put_contents('php://stderr', "database.$key holds a line break\n");
        exit(1);
    }
    echo "$name=$value\n";
}
