<?php

namespace App;

final class Version
{
    public const NUMBER = '1';
}
