<?php

// For `php -S`: finds the document root anew in each request, as a web server with a resolved root does.
// PHP remembers resolved paths for two minutes; without the next line a switched link would go unnoticed.
clearstatcache(true);
$root = realpath(getenv('DOCUMENT_ROOT_LINK'));
if ($root === false) {
    http_response_code(503);
    exit('no release');
}

$path = rawurldecode(parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH));
$file = realpath($root.$path);
if ($file !== false && is_file($file) && pathinfo($file, PATHINFO_EXTENSION) !== 'php') {
    $types = ['css' => 'text/css', 'js' => 'text/javascript', 'json' => 'application/json', 'svg' => 'image/svg+xml'];
    header('Content-Type: '.($types[pathinfo($file, PATHINFO_EXTENSION)] ?? 'text/plain'));
    readfile($file);
    exit;
}

$script = $file !== false && is_file($file) ? substr($file, strlen($root)) : '/index.php';
$_SERVER['DOCUMENT_ROOT'] = $root;
$_SERVER['SCRIPT_FILENAME'] = $root.$script;
$_SERVER['SCRIPT_NAME'] = $_SERVER['PHP_SELF'] = $script;
unset($path, $file, $types);
chdir(dirname($_SERVER['SCRIPT_FILENAME']));
require $_SERVER['SCRIPT_FILENAME'];
