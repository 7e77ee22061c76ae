<?php

// Path => view.
return [
    '/' => 'home',
];
