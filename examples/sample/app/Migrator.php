<?php

namespace App;

/** Runs the files of database/migrations that the database does not know yet, and takes them back by batch. */
final class Migrator
{
    public function __construct(private readonly Database $database, private readonly string $folder)
    {
    }

    /** @return array<string, string> name => file, in order */
    public function files(): array
    {
        $files = glob("$this->folder/*.php");
        return array_combine(array_map(static fn (string $file) => basename($file, '.php'), $files), $files);
    }

    /** @return array<string, int> name => batch */
    public function ran(): array
    {
        return array_column($this->database->read()['migrations'], 'batch', 'name');
    }

    /** @return list<string> */
    public function pending(): array
    {
        return array_values(array_diff(array_keys($this->files()), array_keys($this->ran())));
    }

    public function nextBatch(): int
    {
        return max([0, ...array_values($this->ran())]) + 1;
    }

    public function up(string $name, int $batch): void
    {
        $content = $this->database->read();
        $content['tables'] = (require $this->files()[$name])->up($content['tables']);
        $content['migrations'][] = ['name' => $name, 'batch' => $batch];
        $this->database->write($content);
    }

    public function down(string $name): void
    {
        $content = $this->database->read();
        $content['tables'] = (require $this->files()[$name])->down($content['tables']);
        $content['migrations'] = array_values(array_filter($content['migrations'], static fn (array $row) => $row['name'] !== $name));
        $this->database->write($content);
    }
}
