<?php

namespace App\Jobs;

use Illuminate\Contracts\Queue\ShouldQueue;
use Illuminate\Foundation\Bus\Dispatchable;

/** Appends a line to storage/app/report.txt, together with the release whose code did it. */
class WriteReport implements ShouldQueue
{
    use Dispatchable;

    public function __construct(public string $line)
    {
    }

    public function handle(): void
    {
        $line = basename(base_path())." {$this->line}\n";
        file_put_contents(storage_path('app/report.txt'), $line, FILE_APPEND | LOCK_EX);
    }
}
