<?php
// A visitor of a site over HTTP, as functions: what to connect to, a request sent, its answer read.
// The address, if not empty, is connected to instead of what DNS says; a login (user:password) and further header lines are
// read from descriptor 3, since arguments are anybody's to read.
function site(string $url, string $address): array
{
    $parts = parse_url($url);
    $https = $parts['scheme'] === 'https';
    $port = $parts['port'] ?? ($https ? 443 : 80);
    $handed = @file_get_contents('php://fd/3');
    if ($handed === false && function_exists('shell_exec')) { // a static build of PHP may open no descriptor
        $handed = (string) shell_exec('{ cat <&3; } 2>/dev/null');
    }
    [$login, $headers] = explode("\n", (string) $handed, 2) + ['', ''];
    return [
        'target' => ($https ? 'tls' : 'tcp') . '://' . ($address !== '' ? $address : $parts['host']) . ":$port",
        'context' => stream_context_create(['ssl' => ['peer_name' => trim($parts['host'], '[]'), 'SNI_enabled' => true]]),
        'host' => $parts['host'] . ($port === ($https ? 443 : 80) ? '' : ":$port"),
        'headers' => ($login === '' ? '' : 'Authorization: Basic ' . base64_encode($login) . "\r\n") . str_replace("\n", "\r\n", ltrim($headers, "\n")),
        'page' => ($parts['path'] ?? '/') . (isset($parts['query']) ? "?{$parts['query']}" : ''),
    ];
}

/** A socket on which GET $path is under way, or why there is none. */
function send(array $site, string $path, float $left, string $more = '')
{
    $reason = '';
    set_error_handler(function (int $type, string $text) use (&$reason): bool {
        $reason = trim("$reason $text");
        return true;
    });
    $socket = stream_socket_client($site['target'], $number, $text, $left, STREAM_CLIENT_CONNECT, $site['context']);
    $socket && fwrite($socket, "GET $path HTTP/1.1\r\nHost: {$site['host']}\r\nUser-Agent: laravel-fab\r\nAccept: */*\r\n"
        . "{$site['headers']}{$more}Connection: close\r\n\r\n");
    restore_error_handler();
    return $socket ?: $reason;
}

/** The address at the other end, unless that is this machine: then both ends have the same one. */
function elsewhere($socket): string
{
    $at = fn (bool $remote): string => trim(preg_replace('/:\d+$/', '', is_string($socket) ? '' : (string) stream_socket_get_name($socket, $remote)), '[]');
    return $at(true) === $at(false) || strpos($at(true), '127.') === 0 ? '' : $at(true);
}

/** The status and the body's beginning; 0 and a reason where there is no whole answer. */
function answer($socket, float $until): array
{
    if (is_string($socket)) {
        return [0, $socket];
    }
    $answer = '';
    while (!feof($socket) && strlen($answer) < 100000 && ($left = $until - microtime(true)) > 0) {
        stream_set_timeout($socket, (int) $left, (int) (fmod($left, 1) * 1e6) + 1);
        $answer .= @fread($socket, 8192); // a little at a time: who answers in drops has no more time than others
    }
    if ($left <= 0 || stream_get_meta_data($socket)['timed_out']) {
        return [0, $answer === '' ? 'no answer in time' : 'no whole answer in time'];
    }
    [$head, $body] = explode("\r\n\r\n", $answer, 2) + ['', ''];
    if (preg_match('/^transfer-encoding:.*chunked/im', $head)) {
        $body = preg_replace('/(^|\r\n)[0-9a-f]+(;[^\r\n]*)?\r\n/i', '', $body); // the sizes of its pieces; it is only ever shown
    }
    $more = preg_match('/^location: *(.*?)\r?$/im', $head, $found) ? "→ $found[1] $body" : $body;
    return preg_match('~^HTTP/\S+ (\d{3})~', $head, $found) ? [(int) $found[1], $more] : [0, $answer === '' ? 'no answer' : 'not HTTP'];
}
