<?php

namespace App\Http;

use Illuminate\Cookie\Middleware as Cookie;
use Illuminate\Foundation\Http\Kernel as HttpKernel;
use Illuminate\Foundation\Http\Middleware as Foundation;
use Illuminate\Routing\Middleware\SubstituteBindings;
use Illuminate\Session\Middleware\StartSession;
use Illuminate\View\Middleware\ShareErrorsFromSession;

class Kernel extends HttpKernel
{
    protected $middleware = [
        Foundation\PreventRequestsDuringMaintenance::class,
        Foundation\ValidatePostSize::class,
    ];

    protected $middlewareGroups = [
        'web' => [
            Cookie\EncryptCookies::class,
            Cookie\AddQueuedCookiesToResponse::class,
            StartSession::class,
            ShareErrorsFromSession::class,
            SubstituteBindings::class,
        ],
    ];
}
