<?php

use App\Jobs\WriteReport;
use Illuminate\Support\Facades\Artisan;

Artisan::command('report {line}', function (string $line) {
    WriteReport::dispatch($line);
})->purpose('Queue a line for storage/app/report.txt');
