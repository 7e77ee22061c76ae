<?php
// Which processes run the code of site $argv[1], where $argv[2] serves: running.php says it after the word $argv[4], once none runs
// another release or $argv[3] seconds are over, and any runs that one or $argv[5] more are.
require 'running.php';
watch($argv[1], $argv[2], $argv[4], (int) $argv[3], (int) $argv[5]);
