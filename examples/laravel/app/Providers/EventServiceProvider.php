<?php

namespace App\Providers;

use App\Events\NoteCreated;
use App\Listeners\ReportNote;
use Illuminate\Foundation\Support\Providers\EventServiceProvider as ServiceProvider;

class EventServiceProvider extends ServiceProvider
{
    protected $listen = [NoteCreated::class => [ReportNote::class]];
}
