<?php

/** @var string $basePath */
return [
    'compiled' => env('VIEW_COMPILED_PATH', realpath("$basePath/storage/framework/views")),
];
