<?php

namespace App\Http\Controllers;

use App\Version;
use Illuminate\Support\Facades\DB;

class StatusController
{
    /** Fails with 500 when the database does not answer. */
    public function health()
    {
        DB::select('select 1');

        return response()->json(['status' => 'ok']);
    }

    /** What answers: "configured" comes from the cached configuration, "version" from the code. */
    public function release()
    {
        return response()->json([
            'release' => basename(base_path()),
            'version' => Version::NUMBER,
            'configured' => config('app.version'),
        ]);
    }
}
