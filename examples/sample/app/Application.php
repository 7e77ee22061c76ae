<?php

namespace App;

/** Where things are and what is configured; config:cache freezes the latter, as in Laravel. */
final class Application
{
    public const VERSION = '11.0.0-sample';

    /** @var array<string, array<string, mixed>>|null */
    private ?array $config = null;

    public function __construct(public readonly string $basePath, public readonly string $health)
    {
        require_once __DIR__ . '/helpers.php';
    }

    public function path(string $path): string
    {
        return "$this->basePath/$path";
    }

    public function cached(string $name): string
    {
        return $this->path("bootstrap/cache/$name.php");
    }

    /** A value by its dotted name, e.g. app.version. */
    public function config(string $name): mixed
    {
        $this->config ??= is_file($this->cached('config')) ? require $this->cached('config') : $this->freshConfig();
        [$file, $key] = explode('.', $name, 2);
        return $this->config[$file][$key] ?? null;
    }

    /** All of config/, with the values of .env in it. */
    public function freshConfig(): array
    {
        Env::load($this->path('.env'));
        $config = [];
        foreach (glob($this->path('config/*.php')) as $file) {
            $config[basename($file, '.php')] = (static fn (string $basePath) => require $file)($this->basePath);
        }
        return $config;
    }

    /** What `artisan down` left, or null when the application is up. */
    public function downSince(): ?array
    {
        $file = $this->path('storage/framework/down');
        return is_file($file) ? (json_decode(file_get_contents($file), true) ?? []) : null;
    }

    public function database(): Database
    {
        return new Database($this->config('database.path'));
    }
}
