<?php
// One visit to URL $argv[1] on this machine, which may take $argv[2] seconds: prints what boot.php says there, which begins with
// "status N", or why it says nothing.
require 'visit.php';
[, $url, $seconds] = $argv;
$site = site($url, '127.0.0.1');
$until = microtime(true) + $seconds;
[$status, $body] = answer(send($site, $site['page'], $seconds), $until);
echo preg_match('/^status \d+$/m', $body) ? '' : "status $status\n", $body;
