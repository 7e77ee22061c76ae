<?php

namespace App;

use RuntimeException;
use Throwable;

/** Answers requests: `/` says which version and release answered, the health path says whether it can. */
final class Site
{
    public function __construct(private readonly Application $app)
    {
    }

    public function handle(string $path, bool $wantsJson): void
    {
        header('X-Release: ' . basename($this->app->basePath));
        header('Cache-Control: no-store');
        $folder = $this->app->path('storage/framework');
        require $this->app->path('app/maintenance.php');
        try {
            $body = $this->body($path, $wantsJson);
        } catch (Throwable $problem) {
            error_log((string) $problem);
            http_response_code(500);
            $body = "Server Error\n";
        }
        header('Content-Length: ' . strlen($body));
        echo $body;
    }

    private function body(string $path, bool $wantsJson): string
    {
        if ($this->app->config('app.broken')) {
            throw new RuntimeException('This version is broken, on purpose.');
        }
        if ($path === $this->app->health) {
            return "Application up\n";
        }
        $routes = is_file($this->app->cached('routes-v7')) ? require $this->app->cached('routes-v7') : require $this->app->path('routes/web.php');
        if (!isset($routes[$path])) {
            http_response_code(404);
            return "Not Found\n";
        }
        return $wantsJson ? $this->json() : (new View($this->app))->render($routes[$path], $this->facts());
    }

    private function json(): string
    {
        header('Content-Type: application/json');
        return json_encode($this->facts(), JSON_PRETTY_PRINT | JSON_UNESCAPED_SLASHES) . "\n";
    }

    /** Each from another file of the release, so that an answer made of two releases would show. */
    private function facts(): array
    {
        $manifest = json_decode(file_get_contents($this->app->path('public/build/manifest.json')), true);
        return [
            'version' => $this->app->config('app.version'),
            'release' => basename($this->app->basePath),
            'asset' => '/build/' . $manifest['resources/js/app.js']['file'],
            'tables' => implode(', ', array_keys($this->app->database()->read()['tables'])),
        ];
    }
}
