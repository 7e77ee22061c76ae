<?php

/** @var string $basePath */
return [
    'path' => env('DB_DATABASE', "$basePath/storage/app/database.json"),
];
