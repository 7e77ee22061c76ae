<?php

namespace App;

/** `php artisan`: the commands that a deployment uses. Each is a method; COMMANDS says which, and what it is for. */
final class Console
{
    private const COMMANDS = [
        'about' => ['about', 'Display basic information about your application'],
        'down' => ['down', 'Put the application into maintenance / demo mode'],
        'env' => ['environment', 'Display the current framework environment'],
        'list' => ['list', 'List commands'],
        'migrate' => ['migrate', 'Run the database migrations'],
        'up' => ['up', 'Bring the application out of maintenance mode'],
        'config:cache' => ['configCache', 'Create a cache file for faster configuration loading'],
        'config:clear' => ['clear', 'Remove the configuration cache file'],
        'event:cache' => ['eventCache', "Discover and cache the application's events and listeners"],
        'event:clear' => ['clear', 'Clear all cached events and listeners'],
        'key:generate' => ['keyGenerate', 'Set the application key'],
        'migrate:rollback' => ['rollback', 'Rollback the last database migration'],
        'migrate:status' => ['migrateStatus', 'Show the status of each migration'],
        'package:discover' => ['packageDiscover', 'Rebuild the cached package manifest'],
        'queue:restart' => ['queueRestart', 'Restart queue worker daemons after their current job'],
        'route:cache' => ['routeCache', 'Create a route cache file for faster route registration'],
        'route:clear' => ['clear', 'Remove the route cache file'],
        'storage:link' => ['storageLink', 'Create the symbolic links configured for the application'],
        'view:cache' => ['viewCache', "Compile all of the application's Blade templates"],
        'view:clear' => ['viewClear', 'Clear all compiled view files'],
    ];

    /** @var array<string, string|true> */
    private array $options = [];

    private string $command = 'list';

    public function __construct(private readonly Application $app)
    {
    }

    /** @param list<string> $arguments */
    public function run(array $arguments): int
    {
        foreach ($arguments as $argument) {
            if (preg_match('/^--?([^=]+)(?:=(.*))?$/s', $argument, $found)) {
                $this->options[$found[1]] = $found[2] ?? true;
            } else {
                $this->command = $argument;
            }
        }
        if (isset($this->options['version']) || isset($this->options['V'])) {
            echo 'Laravel Framework ', Application::VERSION, "\n";
            return 0;
        }
        $known = self::COMMANDS[$this->command] ?? null;
        return $known ? $this->{$known[0]}() : Output::error("Command \"$this->command\" is not defined.");
    }

    private function list(): int
    {
        if (!isset($this->options['raw'])) {
            echo 'Laravel Framework ', Application::VERSION, "\n\nUsage:\n  command [options] [arguments]\n\nAvailable commands:\n";
        }
        foreach (self::COMMANDS as $name => [, $description]) {
            printf("%-18s %s\n", $name, $description);
        }
        return 0;
    }

    private function environment(): int
    {
        return Output::info("The application environment is [{$this->app->config('app.env')}].");
    }

    private function about(): int
    {
        $about = [
            'environment' => [
                'application_name' => $this->app->config('app.name'),
                'laravel_version' => Application::VERSION,
                'php_version' => PHP_VERSION,
                'environment' => $this->app->config('app.env'),
                'debug_mode' => $this->app->config('app.debug'),
                'url' => $this->app->config('app.url'),
                'maintenance_mode' => $this->app->downSince() !== null,
            ],
            'cache' => [
                'config' => is_file($this->app->cached('config')),
                'events' => is_file($this->app->cached('events')),
                'routes' => is_file($this->app->cached('routes-v7')),
                'views' => (bool) glob($this->app->config('view.compiled') . '/*.php'),
            ],
            'drivers' => ['cache' => 'file', 'database' => 'json', 'queue' => 'sync'],
        ];
        if (isset($this->options['json'])) {
            echo json_encode($about), "\n";
            return 0;
        }
        foreach (array_merge(...array_values($about)) as $name => $value) {
            Output::columns($name, is_bool($value) ? ($value ? 'YES' : 'NO') : (string) $value);
        }
        return 0;
    }

    private function configCache(): int
    {
        $this->put('config', $this->app->freshConfig());
        return Output::info('Configuration cached successfully.');
    }

    private function routeCache(): int
    {
        $this->put('routes-v7', require $this->app->path('routes/web.php'));
        return Output::info('Routes cached successfully.');
    }

    private function eventCache(): int
    {
        $this->put('events', []);
        return Output::info('Events cached successfully.');
    }

    private function packageDiscover(): int
    {
        $this->put('packages', []);
        $this->put('services', []);
        return Output::info('Discovering packages.');
    }

    private function clear(): int
    {
        $name = ['config' => 'config', 'route' => 'routes-v7', 'event' => 'events'][strtok($this->command, ':')];
        @unlink($this->app->cached($name));
        return Output::info('Cache cleared successfully.');
    }

    private function viewCache(): int
    {
        $this->viewClear(quiet: true);
        foreach (glob($this->app->path('resources/views/*.blade.php')) as $view) {
            (new View($this->app))->compile($view);
        }
        return Output::info('Blade templates cached successfully.');
    }

    private function viewClear(bool $quiet = false): int
    {
        array_map(unlink(...), glob($this->app->config('view.compiled') . '/*.php'));
        return $quiet ? 0 : Output::info('Compiled views cleared successfully.');
    }

    private function put(string $name, array $value): void
    {
        file_put_contents($this->app->cached($name), '<?php return ' . var_export($value, true) . ";\n");
    }

    private function migrator(): Migrator
    {
        return new Migrator($this->app->database(), $this->app->path('database/migrations'));
    }

    private function migrate(): int
    {
        $migrator = $this->migrator();
        if (!$this->permitted()) {
            return 1;
        }
        if (!$pending = $migrator->pending()) {
            return Output::info('Nothing to migrate.');
        }
        Output::info('Running migrations.');
        $batch = $migrator->nextBatch();
        foreach ($pending as $name) {
            if (isset($this->options['pretend'])) {
                Output::columns($name, '');
                echo '  ⇂ ', (require $migrator->files()[$name])->describe(), "  \n";
            } else {
                Output::timed($name, static fn () => $migrator->up($name, $batch));
            }
        }
        echo "\n";
        return 0;
    }

    private function rollback(): int
    {
        $migrator = $this->migrator();
        if (!$this->permitted()) {
            return 1;
        }
        $ran = array_reverse($migrator->ran());
        $batch = (int) ($this->options['batch'] ?? max([0, ...array_values($ran)]));
        $names = array_keys($ran, $batch, true);
        if (isset($this->options['step'])) {
            $names = array_slice(array_keys($ran), 0, (int) $this->options['step']);
        }
        if (!$names) {
            return Output::info('Nothing to rollback.');
        }
        Output::info('Rolling back migrations.');
        foreach ($names as $name) {
            Output::timed($name, static fn () => $migrator->down($name));
        }
        echo "\n";
        return 0;
    }

    private function migrateStatus(): int
    {
        $migrator = $this->migrator();
        if (!$this->app->database()->exists()) {
            return Output::error('Migration table not found.');
        }
        $ran = $migrator->ran();
        $shown = isset($this->options['pending']) ? $migrator->pending() : array_keys($migrator->files());
        if (!$shown) {
            return Output::info(isset($this->options['pending']) ? 'No pending migrations' : 'No migrations found');
        }
        echo "\n";
        Output::columns('Migration name', 'Batch / Status');
        foreach ($shown as $name) {
            Output::columns($name, isset($ran[$name]) ? "[$ran[$name]] Ran" : 'Pending');
        }
        echo "\n";
        return 0;
    }

    /** In production Laravel asks first; without a terminal the answer is no. */
    private function permitted(): bool
    {
        if ($this->app->config('app.env') !== 'production' || isset($this->options['force']) || isset($this->options['pretend'])) {
            return true;
        }
        echo "\n   APPLICATION IN PRODUCTION.  \n\n   WARN  Command cancelled.  \n\n";
        return false;
    }

    private function down(): int
    {
        $secret = isset($this->options['with-secret']) ? bin2hex(random_bytes(16)) : ($this->options['secret'] ?? null);
        $number = fn (string $name, ?int $default = null) => isset($this->options[$name]) ? (int) $this->options[$name] : $default;
        $data = [
            'except' => [$this->app->health], 'redirect' => null, 'retry' => $number('retry'), 'refresh' => $number('refresh'),
            'secret' => $secret, 'status' => $number('status', 503), 'template' => null,
        ];
        file_put_contents($this->app->path('storage/framework/down'), json_encode($data, JSON_PRETTY_PRINT));
        copy($this->app->path('app/maintenance.php'), $this->app->path('storage/framework/maintenance.php'));
        Output::info('Application is now in maintenance mode.');
        return isset($this->options['with-secret']) ? Output::info("You may bypass maintenance mode via [{$this->app->config('app.url')}/$secret].") : 0;
    }

    private function up(): int
    {
        if ($this->app->downSince() === null) {
            return Output::info('Application is already up.');
        }
        foreach (['down', 'maintenance.php'] as $name) {
            @unlink($this->app->path("storage/framework/$name"));
        }
        return Output::info('Application is now live.');
    }

    private function queueRestart(): int
    {
        file_put_contents($this->app->path('storage/framework/cache/queue-restart'), (string) time());
        return Output::info('Broadcasting queue restart signal.');
    }

    private function storageLink(): int
    {
        $link = $this->app->path('public/storage');
        if (is_link($link) && isset($this->options['force'])) {
            unlink($link);
        }
        if (is_link($link) || file_exists($link)) {
            return Output::error("The [$link] link already exists.");
        }
        symlink(isset($this->options['relative']) ? '../storage/app/public' : $this->app->path('storage/app/public'), $link);
        return Output::info("The [$link] link has been connected to [{$this->app->path('storage/app/public')}].");
    }

    private function keyGenerate(): int
    {
        $key = 'base64:' . base64_encode(random_bytes(32));
        if (isset($this->options['show'])) {
            echo "$key\n";
            return 0;
        }
        $file = $this->app->path('.env');
        $content = is_file($file) ? file_get_contents($file) : '';
        $changed = preg_replace('/^APP_KEY=.*$/m', "APP_KEY=$key", $content, 1, $count);
        if (!$count) {
            return Output::error('Unable to set application key. No APP_KEY variable was found in the .env file.');
        }
        file_put_contents($file, $changed);
        return Output::info('Application key set successfully.');
    }
}
