<!doctype html>
<html lang="en">
<head>
    <meta charset="utf-8">
    <title>{{ config('app.name') }}</title>
    <link rel="stylesheet" href="{{ App\Assets::url('resources/css/app.css') }}">
    <script type="module" src="{{ App\Assets::url('resources/js/app.js') }}"></script>
</head>
<body>
    <h1>{{ config('app.name') }}</h1>
    <p>version <b id="version">{{ config('app.version') }}</b></p>
    <p>notes <b id="notes">{{ $count }}</b></p>
    @isset($latest)
        <blockquote>{{ $latest->text }}</blockquote>
    @endisset
</body>
</html>
