<?php
// A visitor of a PHP-FPM pool without a web server, as functions: a request sent, its answer read.
// The protocol: https://fastcgi-archives.github.io/FastCGI_Specification.html (record header of 8 bytes, version 1).
function record(int $type, string $body): string
{
    return pack('CCnnCC', 1, $type, 1, strlen($body), 0, 0) . $body;
}

function pair(string $name, string $value): string
{
    $length = fn (int $size): string => $size < 128 ? chr($size) : pack('N', $size | 0x80000000);
    return $length(strlen($name)) . $length(strlen($value)) . $name . $value;
}

/** A socket of the pool at $address on which a GET of $script is under way, or why there is none. */
function pool_send(string $address, string $script, array $values = [])
{
    $socket = @stream_socket_client($address[0] === '/' ? "unix://$address" : "tcp://$address", $number, $reason, 5);
    if (!$socket) {
        return "$address: $reason";
    }
    $values += ['SCRIPT_FILENAME' => $script, 'SCRIPT_NAME' => '/' . basename($script), 'REQUEST_METHOD' => 'GET',
        'REQUEST_URI' => '/' . basename($script), 'QUERY_STRING' => '', 'DOCUMENT_ROOT' => dirname($script), 'SERVER_PROTOCOL' => 'HTTP/1.1',
        'GATEWAY_INTERFACE' => 'CGI/1.1', 'REMOTE_ADDR' => '127.0.0.1', 'CONTENT_LENGTH' => '0', 'HTTP_HOST' => 'localhost',
        'SERVER_NAME' => 'localhost', 'SERVER_PORT' => '80', 'HTTP_ACCEPT' => '*/*', 'HTTP_USER_AGENT' => 'laravel-fab', 'REDIRECT_STATUS' => '200'];
    $params = implode('', array_map('pair', array_keys($values), $values));
    fwrite($socket, record(1, pack('nCxxxxx', 1, 0)) . record(4, $params) . record(4, '') . record(5, ''));
    return $socket;
}

/** The status, the body, and what was written to the error stream; status 0 where there is no whole answer. */
function pool_answer($socket, float $seconds): array
{
    if (is_string($socket)) {
        return [0, '', $socket];
    }
    stream_set_timeout($socket, (int) $seconds, (int) (fmod($seconds, 1) * 1e6) + 1);
    [$answer, $errors] = ['', ''];
    while (strlen($header = (string) stream_get_contents($socket, 8)) === 8) {
        $head = unpack('Cversion/Ctype/nid/nlength/Cpadding/Creserved', $header);
        $body = $head['length'] ? stream_get_contents($socket, $head['length']) : '';
        $head['padding'] && stream_get_contents($socket, $head['padding']);
        if ($head['type'] === 3) {
            [$headers, $text] = explode("\r\n\r\n", $answer, 2) + ['', ''];
            return [preg_match('/^Status: (\d{3})/mi', $headers, $found) ? (int) $found[1] : 200, $text, $errors];
        }
        [$answer, $errors] = [$answer . ($head['type'] === 6 ? $body : ''), $errors . ($head['type'] === 7 ? $body : '')];
    }
    return [0, '', "{$errors}no answer"];
}
