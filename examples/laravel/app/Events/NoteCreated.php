<?php

namespace App\Events;

use App\Models\Note;

class NoteCreated
{
    public function __construct(public Note $note)
    {
    }
}
