<?php

namespace App\Listeners;

use App\Events\NoteCreated;
use App\Jobs\WriteReport;

class ReportNote
{
    public function handle(NoteCreated $event): void
    {
        WriteReport::dispatch("note {$event->note->id}: {$event->note->text}");
    }
}
