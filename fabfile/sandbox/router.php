<?php
// Serves what `current` points to at this very moment. It lives outside of any release and takes the release's real
// path, as nginx does with $realpath_root, so a worker can never mix two releases or serve one it remembers.

$site = getenv('SANDBOX_SITE');
$link = @readlink("$site/current");
if ($link === false) {
    http_response_code(503);
    header('Content-Type: text/plain; charset=utf-8');
    echo "Nothing is deployed here yet: $site has no `current`.\n";
    return;
}
$release = $link[0] === '/' ? $link : "$site/$link";
$public = realpath("$release/public");
$path = rawurldecode(parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH) ?: '/');

// Storage links lead out of the release on purpose, so only the request's own `..` is refused.
if (!str_contains($path, "\0") && !preg_match('~(^|/)\.\.?(/|$)|\.php$~', $path) && is_file($public . $path)) {
    $types = [
        'css' => 'text/css', 'js' => 'text/javascript', 'json' => 'application/json', 'svg' => 'image/svg+xml', 'png' => 'image/png',
        'jpg' => 'image/jpeg', 'ico' => 'image/x-icon', 'txt' => 'text/plain', 'html' => 'text/html', 'woff2' => 'font/woff2',
    ];
    header('Content-Type: ' . ($types[pathinfo($path, PATHINFO_EXTENSION)] ?? 'application/octet-stream'));
    header('Content-Length: ' . filesize($public . $path));
    readfile($public . $path);
    return;
}
if ($public === false || !is_file("$public/index.php")) {
    http_response_code(503);
    header('Content-Type: text/plain; charset=utf-8');
    echo "The release $release has no public/index.php.\n";
    return;
}
$_SERVER['DOCUMENT_ROOT'] = $public;
$_SERVER['SCRIPT_FILENAME'] = "$public/index.php";
$_SERVER['SCRIPT_NAME'] = $_SERVER['PHP_SELF'] = '/index.php';
chdir($public);
require "$public/index.php";
