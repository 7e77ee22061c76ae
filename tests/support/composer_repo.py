"""A local Composer repository made out of Debian's ``php-laravel-framework`` and what it depends on.

Debian installs the code of the packages under ``/usr/share/php`` without their composer.json. Here each becomes a zip
with its real name again, so ``composer install`` puts real files into ``vendor/`` without asking any registry.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SHARE = Path("/usr/share/php")
FRAMEWORK = "laravel/framework"
DEV_ONLY = "fakerphp/faker"
ILLUMINATE = "src/Illuminate/"
EPOCH = (2024, 1, 1, 0, 0, 0)  # the same files give the same zip, hence the same composer.lock


@dataclass(frozen=True)
class Package:
    """One Composer package: its folder below SHARE, its version, and the files that are loaded eagerly."""

    name: str
    folder: str
    version: str
    files: tuple[str, ...] = ()
    skip: str = ""
    classmap: bool = False


# Versions are those of Debian 12; composer.lock shows them to whoever analyzes the application.
PACKAGES = (
    Package(DEV_ONLY, "Faker", "1.20.0"),
    Package("brick/math", "Brick/Math", "0.10.0"),
    Package("dflydev/dot-access-data", "Dflydev/DotAccessData", "3.0.2"),
    Package("doctrine/deprecations", "Doctrine/Deprecations", "1.0.0"),
    Package("doctrine/inflector", "Doctrine/Inflector", "2.0.6"),
    Package("doctrine/lexer", "Doctrine/Common/Lexer", "2.1.0"),
    Package("dragonmantank/cron-expression", "Cron", "3.3.1"),
    Package("egulias/email-validator", "Egulias/EmailValidator", "3.2.5"),
    Package("graham-campbell/result-type", "GrahamCampbell/ResultType", "1.0.4"),
    Package("laravel/serializable-closure", "Laravel/SerializableClosure", "1.0.5"),
    Package("league/commonmark", "League/CommonMark", "2.3.9"),
    Package("league/config", "League/Config", "1.2.0"),
    Package("league/flysystem", "League/Flysystem", "1.1.10"),
    Package("league/mime-type-detection", "League/MimeTypeDetection", "1.10.0"),
    Package("monolog/monolog", "Monolog", "2.9.1"),
    Package("nesbot/carbon", "Carbon", "2.65.0"),
    Package("nette/schema", "Nette/Schema", "1.2.3", classmap=True),
    Package("nette/utils", "Nette", "4.0.0", skip="Schema", classmap=True),
    Package("opis/closure", "Opis/Closure", "3.6.1", ("functions.php",)),
    Package("phpoption/phpoption", "PhpOption", "1.8.1"),
    Package("psr/container", "Psr/Container", "1.1.2"),
    Package("psr/event-dispatcher", "Psr/EventDispatcher", "1.0.0"),
    Package("psr/log", "Psr/Log", "1.1.4"),
    Package("psr/simple-cache", "Psr/SimpleCache", "1.0.1"),
    Package("ramsey/collection", "Ramsey/Collection", "1.2.2"),
    Package("ramsey/uuid", "Ramsey/Uuid", "4.6.0", ("functions.php",)),
    Package("swiftmailer/swiftmailer", "Swift", "6.3.0", ("swift_required.php",)),
    Package("symfony/console", "Symfony/Component/Console", "5.4.53"),
    Package("symfony/css-selector", "Symfony/Component/CssSelector", "5.4.53"),
    Package("symfony/deprecation-contracts", "Symfony/Contracts/Deprecation", "2.5.5", ("function.php",)),
    Package("symfony/error-handler", "Symfony/Component/ErrorHandler", "5.4.53"),
    Package("symfony/event-dispatcher", "Symfony/Component/EventDispatcher", "5.4.53"),
    Package("symfony/event-dispatcher-contracts", "Symfony/Contracts/EventDispatcher", "2.5.5"),
    Package("symfony/filesystem", "Symfony/Component/Filesystem", "5.4.53"),
    Package("symfony/finder", "Symfony/Component/Finder", "5.4.53"),
    Package("symfony/http-foundation", "Symfony/Component/HttpFoundation", "5.4.53"),
    Package("symfony/http-kernel", "Symfony/Component/HttpKernel", "5.4.53"),
    Package("symfony/mime", "Symfony/Component/Mime", "5.4.53"),
    Package("symfony/process", "Symfony/Component/Process", "5.4.53"),
    Package("symfony/routing", "Symfony/Component/Routing", "5.4.53"),
    Package("symfony/service-contracts", "Symfony/Contracts/Service", "2.5.5"),
    Package("symfony/string", "Symfony/Component/String", "5.4.53", ("Resources/functions.php",)),
    Package("symfony/translation", "Symfony/Component/Translation", "5.4.53", ("Resources/functions.php",)),
    Package("symfony/translation-contracts", "Symfony/Contracts/Translation", "2.5.5"),
    Package("symfony/var-dumper", "Symfony/Component/VarDumper", "5.4.53"),
    Package("tijsverkoyen/css-to-inline-styles", "TijsVerkoyen/CssToInlineStyles", "2.2.6"),
    Package("vlucas/phpdotenv", "Dotenv", "5.4.1"),
    Package("voku/portable-ascii", "voku/helper", "2.0.1"),
    Package("webmozart/assert", "Webmozart/Assert", "1.11.0"),
)


def missing() -> list[str]:
    """Return what Debian would have to install first: the folders of PACKAGES that are not there."""
    return [p.folder for p in (*PACKAGES, Package(FRAMEWORK, "Illuminate", "")) if not (SHARE / p.folder).is_dir()]


def build(folder: Path) -> Path:
    """Write all packages as zips into ``folder`` and return it: the url of an ``artifact`` repository."""
    folder.mkdir(parents=True, exist_ok=True)
    for package in PACKAGES:
        write(folder, package, manifest(package), "src/")
    framework = Package(FRAMEWORK, "Illuminate", "8.83.26")
    write(folder, framework, framework_manifest(framework), ILLUMINATE)
    return folder


def inject(application: Path, repository: Path) -> None:
    """Make ``application``'s composer.json look for packages in ``repository`` and nowhere else."""
    path = application / "composer.json"
    content = json.loads(path.read_text())
    content["repositories"] = [{"type": "artifact", "url": str(repository)}, {"packagist.org": False}]
    path.write_text(json.dumps(content, indent=4) + "\n")


def manifest(package: Package) -> dict[str, object]:
    """Return the composer.json that Debian left out."""
    namespace = package.folder.replace("/", "\\") + "\\"
    autoload: dict[str, object] = {"classmap": ["src/"]} if package.classmap else {"psr-4": {namespace: "src/"}}
    if package.name == "swiftmailer/swiftmailer":
        autoload = {}  # brings its own class loader in the file below
    if package.files:
        autoload["files"] = [f"src/{file}" for file in package.files]
    return {"name": package.name, "version": package.version, "type": "library", "license": "MIT", "autoload": autoload}


def framework_manifest(package: Package) -> dict[str, object]:
    """Return the framework's own composer.json; it requires everything else that is needed to run."""
    helpers = ("Collections/helpers.php", "Events/functions.php", "Foundation/helpers.php", "Support/helpers.php")
    nested = [ILLUMINATE + "Macroable/", ILLUMINATE + "Collections/"]  # their classes are Illuminate\Support\...
    return {
        **manifest(package),
        "require": {"php": "^7.3|^8.0", **{p.name: "*" for p in PACKAGES if p.name != DEV_ONLY}},
        "autoload": {
            "psr-4": {"Illuminate\\": ILLUMINATE, "Illuminate\\Support\\": nested},
            "files": [ILLUMINATE + helper for helper in helpers],
        },
    }


def write(folder: Path, package: Package, content: dict[str, object], prefix: str) -> None:
    """Write one package's zip."""
    name = f"{package.name.replace('/', '-')}-{package.version}.zip"
    with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr(entry("composer.json"), json.dumps(content, indent=4))
        for file in sources(package):
            archive.writestr(entry(prefix + file.relative_to(SHARE / package.folder).as_posix()), file.read_bytes())


def entry(name: str) -> zipfile.ZipInfo:
    """Return an entry whose bytes depend on nothing but its name."""
    info = zipfile.ZipInfo(name, EPOCH)
    info.external_attr, info.compress_type = 0o644 << 16, zipfile.ZIP_DEFLATED
    return info


def sources(package: Package) -> Iterator[Path]:
    """Yield the package's files in a fixed order, without Debian's own class maps (autoload.php)."""
    for base, folders, files in os.walk(SHARE / package.folder, followlinks=True):
        folders[:] = sorted(name for name in folders if name != package.skip)
        yield from (Path(base, name) for name in sorted(files) if name != "autoload.php")
