<?php

use App\Http\Controllers\NoteController;
use App\Http\Controllers\StatusController;
use Illuminate\Support\Facades\Route;

Route::get('/', [NoteController::class, 'index'])->middleware('web');
Route::post('/notes', [NoteController::class, 'store']);
Route::get('/health', [StatusController::class, 'health']);
Route::get('/release', [StatusController::class, 'release']);
