<?php

namespace App;

/** Tables in one JSON file: enough to have migrations without any extension of PHP. */
final class Database
{
    public function __construct(private readonly string $file)
    {
    }

    public function exists(): bool
    {
        return is_file($this->file);
    }

    /** @return array{tables: array<string, list<string>>, migrations: list<array{name: string, batch: int}>} */
    public function read(): array
    {
        $empty = ['tables' => [], 'migrations' => []];
        return $this->exists() ? json_decode(file_get_contents($this->file), true, flags: JSON_THROW_ON_ERROR) : $empty;
    }

    /** Replace the file in one step, so that a request never reads half of it, nor does a full disk leave half of it. */
    public function write(array $content): void
    {
        $text = json_encode($content, JSON_PRETTY_PRINT | JSON_THROW_ON_ERROR) . "\n";
        if (@file_put_contents("$this->file.new", $text) !== strlen($text)) {
            throw new \RuntimeException("$this->file cannot be written");
        }
        rename("$this->file.new", $this->file);
    }
}
