<?php

use App\Application;

return new Application(
    basePath: dirname(__DIR__),
    health: '/up',
);
