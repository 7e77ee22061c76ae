<?php

// `artisan down` copies this to storage/framework, where public/index.php looks before anything of the application is loaded; the
// application asks once more, with $folder set, as Laravel's middleware does: OPcache may know an earlier file of that path.
$down = json_decode((string) @file_get_contents(($folder ?? __DIR__) . '/down'), true);
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
if (!is_array($down) || in_array($path, $down['except'], true)) {
    return;
}
if ($down['secret'] !== null) {
    $pass = hash_hmac('sha256', 'maintenance', $down['secret']);
    if ($path === "/$down[secret]") {
        setcookie('laravel_maintenance', $pass, ['httponly' => true, 'samesite' => 'Lax']);
        header('Location: /', true, 302);
        exit;
    }
    if (hash_equals($pass, $_COOKIE['laravel_maintenance'] ?? '')) {
        return;
    }
}
http_response_code($down['status']);
foreach (['Retry-After' => $down['retry'], 'Refresh' => $down['refresh']] as $name => $value) {
    if ($value !== null) {
        header("$name: $value");
    }
}
echo "Service Unavailable\n";
exit;
