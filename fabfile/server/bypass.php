<?php
// The cookie that lets a visitor past the maintenance mode of the release in $root, where there is a secret for it: by it the site is
// judged as it will be when it is up again (Foundation/Http/MaintenanceModeBypassCookie).
function bypass(string $root): string
{
    $secret = json_decode((string) @file_get_contents("$root/storage/framework/down"), true)['secret'] ?? '';
    $until = time() + 3600;
    return $secret ? base64_encode(json_encode(['expires_at' => $until, 'mac' => hash_hmac('sha256', (string) $until, $secret)])) : '';
}
