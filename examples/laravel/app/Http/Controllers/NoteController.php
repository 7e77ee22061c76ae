<?php

namespace App\Http\Controllers;

use App\Models\Note;
use Illuminate\Http\Request;

class NoteController
{
    public function index()
    {
        return view('notes', ['count' => Note::count(), 'latest' => Note::latest('id')->first()]);
    }

    public function store(Request $request)
    {
        return response()->json(Note::create(['text' => (string) $request->input('text')]), 201);
    }
}
