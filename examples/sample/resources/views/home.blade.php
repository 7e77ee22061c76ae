<!doctype html>
<html lang="en">
<head>
    <meta charset="utf-8">
    <title>Version {{ $version }}</title>
    <script type="module" src="{{ $asset }}"></script>
</head>
<body>
    <h1>Version {{ $version }}</h1>
    <p>Release {{ $release }}, tables: {{ $tables }}</p>
</body>
</html>
