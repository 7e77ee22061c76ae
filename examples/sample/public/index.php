<?php

use App\Site;

if (is_file($maintenance = __DIR__ . '/../storage/framework/maintenance.php')) {
    require $maintenance;
}

require __DIR__ . '/../vendor/autoload.php';

$app = require __DIR__ . '/../bootstrap/app.php';

(new Site($app))->handle(
    parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH),
    str_contains($_SERVER['HTTP_ACCEPT'] ?? '', 'json') || isset($_GET['json']),
);
