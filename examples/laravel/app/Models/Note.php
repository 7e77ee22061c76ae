<?php

namespace App\Models;

use App\Events\NoteCreated;
use Illuminate\Database\Eloquent\Factories\HasFactory;
use Illuminate\Database\Eloquent\Model;

class Note extends Model
{
    use HasFactory;

    protected $fillable = ['text'];

    protected $dispatchesEvents = ['created' => NoteCreated::class];
}
