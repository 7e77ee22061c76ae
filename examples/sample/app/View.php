<?php

namespace App;

use RuntimeException;

/** Templates with {{ $value }}, compiled into the folder of config/view.php. */
final class View
{
    public function __construct(private readonly Application $app)
    {
    }

    public function render(string $name, array $values): string
    {
        $view = $this->app->path("resources/views/$name.blade.php");
        $compiled = $this->compiledName($view);
        if (!is_file($compiled)) {
            $this->compile($view);
        }
        return (static function () use ($compiled, $values): string {
            extract($values);
            ob_start();
            require $compiled;
            return ob_get_clean();
        })();
    }

    /** Written beside its place and renamed: another request may be about to read it. */
    public function compile(string $view): void
    {
        if (!is_dir((string) $this->app->config('view.compiled'))) {
            throw new RuntimeException('Please provide a valid cache path.');
        }
        $code = preg_replace('/\{\{\s*(.+?)\s*\}\}/', '<?php echo htmlspecialchars((string) ($1)); ?>', file_get_contents($view));
        $new = tempnam($this->app->config('view.compiled'), 'view');
        file_put_contents($new, $code);
        rename($new, $this->compiledName($view));
    }

    private function compiledName(string $view): string
    {
        return $this->app->config('view.compiled') . '/' . hash('xxh128', $view) . '.php';
    }
}
