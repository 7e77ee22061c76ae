<?php

return [
    'name' => env('APP_NAME', 'Sample'),
    'env' => env('APP_ENV', 'production'),
    'debug' => env('APP_DEBUG', false),
    'url' => env('APP_URL', 'http://localhost'),
    'key' => env('APP_KEY'),

    // What the page shows.
    'version' => 1,

    // Set to true to make a version that deploys but answers every request with a 500.
    'broken' => false,
];
