"""Composer is spared the look for classes only where it would find the same ones, and all of its work only where it would do nothing else;
what is there then is what it would have made."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from fabfile.builder.composer import INSTALL, KEY
from fabfile.engine.quoting import bind
from tests.conftest import need

OPTIONS = ("--no-interaction", "--no-ansi", "--optimize-autoloader", "--no-dev")
REUSED = "The autoloader is that of an earlier build"
SPARED = "Composer has nothing to do"
OWN = {"name": "a/b", "require": {"p/p": "1.0"}, "autoload": {"psr-4": {"App\\": "app/"}, "classmap": ["lib/"]}, "config": {"lock": True}}
FILES = {
    "app/User.php": "<?php namespace App;\nclass User { function name() { return 1; } }\n",
    "app/Models/Note.php": "<?php\nnamespace App\\Models;\n/** A class that knows nothing. */\nfinal class Note {}\ninterface Kept {}\n",
    "lib/old.inc": "<?php class Old {} trait Older {}\n",
    "resources/views/page.blade.php": '<p class="x">The class Foo</p><?php echo 1 ?>\n',
    "config/app.php": "<?php return [App\\User::class];\n",
}


class Project:
    """An application whose only package comes from an archive; ``build`` is what a build does, with vendor from its cache."""

    def __init__(self, folder: Path, packages: Path) -> None:
        self.folder, self.tree, self.cache = folder, folder / "tree", folder / "cache"
        self.commits = 0  # with the first, each build is one of git
        self.git: tuple[str, ...] = ()  # what else is done in each
        self.own: dict[str, Any] = {**OWN, "repositories": [{"type": "artifact", "url": str(packages)}, {"packagist.org": False}]}

    def write(self, files: dict[str, str | None]) -> None:
        for name, text in files.items():
            path = self.tree / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True) if text is None else path.write_text(text)

    def run(self, folder: Path, *words: str) -> str:
        env = {**os.environ, "COMPOSER_ALLOW_SUPERUSER": "1", "COMPOSER_HOME": str(self.folder / "home")}
        done = subprocess.run(words, cwd=folder, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def build(self, *options: str) -> str:
        """Build the tree, with the vendor of the first build; what Composer and ours said."""
        work, first = self.folder / "work", self.folder / "vendor"
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(self.tree, work, symlinks=True)
        if self.commits:
            self.commit(work)
        if restored := first.exists():
            shutil.copytree(first, work / "vendor")
        words = (*OPTIONS, *options)
        key = bind(KEY, self.cache / "autoload.key", "php", "--", work, "composer", *words)
        said = self.run(self.folder, "sh", "-euc", key + "\n")
        install = bind(INSTALL, work, self.cache, "yes" if restored else "", "composer", "install", *words)
        said += self.run(self.folder, "sh", "-euc", install)
        if not restored:
            shutil.copytree(work / "vendor", first)
        return said

    def commit(self, work: Path) -> None:
        """What a build has checked out: a commit of its own, where no branch is known."""
        self.commits += 1
        name = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        self.run(work, "git", "init", "-q", "-b", "made")
        self.run(work, "git", "add", "-A")
        self.run(work, "git", *name, "commit", "-q", "-m", f"commit {self.commits}")
        self.run(work, "git", "checkout", "-q", "--detach")
        self.run(work, "git", "branch", "-q", "-D", "made")
        if self.git:
            self.run(work, "git", *self.git)

    def vendor(self) -> dict[str, bytes]:
        return files(self.folder / "work/vendor")

    def wanted(self, *options: str) -> dict[str, bytes]:
        """What Composer makes of the same tree and the same vendor by itself."""
        plain = self.folder / "plain"
        shutil.rmtree(plain, ignore_errors=True)
        shutil.copytree(self.tree, plain, symlinks=True)
        if self.commits:
            shutil.copytree(self.folder / "work/.git", plain / ".git")
        shutil.copytree(self.folder / "vendor", plain / "vendor")
        self.run(plain, "composer", "install", *OPTIONS, *options)
        return files(plain / "vendor")


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project after its first build."""
    need("composer", "php")
    packages = tmp_path_factory.mktemp("packages")
    with zipfile.ZipFile(packages / "p.zip", "w") as archive:
        archive.writestr("composer.json", json.dumps({"name": "p/p", "version": "1.0", "autoload": {"psr-4": {"P\\": "src/"}}}))
        archive.writestr("src/Q.php", "<?php namespace P; class Q {}")
    made = Project(tmp_path_factory.mktemp("built"), packages)
    made.cache.mkdir()
    made.write({**FILES, "composer.json": json.dumps(made.own)})
    made.run(made.tree, "composer", "update", "--no-install", "-q")
    assert REUSED not in made.build()
    return made


@pytest.fixture
def project(built: Project, tmp_path: Path) -> Project:
    """A copy of it."""
    shutil.copytree(built.folder, tmp_path / "project", symlinks=True)
    return Project(tmp_path / "project", Path(str(built.own["repositories"][0]["url"])))


SAME: dict[str, dict[str, str | None]] = {
    "nothing": {},
    "a method": {"app/User.php": FILES["app/User.php"].replace("return 1", "return [self::class => 2]")},
    "a comment": {"app/User.php": FILES["app/User.php"] + "// class Other {}\n/* namespace Else; class Third {} */\n"},
    "a text": {"app/User.php": FILES["app/User.php"].replace("return 1", "return 'class A {' . \"interface B {\" . <<<X\nclass C {}\nX")},
    "a class without a name": {"app/User.php": FILES["app/User.php"].replace("return 1", "return new class extends Old {}")},
    "a file that declares nothing": {"config/more.php": "<?php return ['class' => 'none'];", "public/app.js": "class App {}"},
    "a view": {"resources/views/new.blade.php": '<div class="a">class Foo {}</div>'},
}
OTHER: dict[str, dict[str, str | None]] = {
    "a new class": {"app/Post.php": "<?php namespace App; class Post {}"},
    "a second class": {"app/User.php": FILES["app/User.php"] + "class More {}\n"},
    "another name": {"app/Models/Note.php": FILES["app/Models/Note.php"].replace("Note", "Memo")},
    "another namespace": {"lib/old.inc": "<?php namespace Old; class Old {} trait Older {}\n"},
    "a class that becomes a comment": {"lib/old.inc": "<?php class Old {} /* trait Older {} */\n"},
    "a class that becomes a text": {"lib/old.inc": "<?php class Old {} echo 'trait Older {}';\n"},
    "a file that is gone": {"app/User.php": None},
    "a file that moved": {"app/User.php": None, "app/People/User.php": FILES["app/User.php"]},
    "a comment before a name": {"app/Post.php": "<?php class /* x */ Foo {}"},
    "a comment that ends with the line": {"app/Post.php": "<?php namespace App; class// x\nPost {}", "app/B.php": "<?php trait#x\nB {}"},
    "an enum": {"app/Suit.php": "<?php namespace App; enum Suit: string { case A = 'a'; }"},
    "what opens PHP another way": {"lib/short.php": "<?  class Short {}\n"},
    "where classes are": {"composer.json": json.dumps({**OWN, "autoload": {"psr-4": {"App\\": ["app/", "lib/"]}}})},
}


def other(change: str, project: Project) -> dict[str, str | None]:
    """The files of one of OTHER; its packages come from where they are."""
    files = OTHER[change]
    own = files.get("composer.json")
    return {**files, "composer.json": json.dumps({**json.loads(own), "repositories": project.own["repositories"]})} if own else files


@pytest.mark.parametrize("change", SAME)
def test_the_same_classes_need_no_look(change: str, project: Project) -> None:
    project.write(SAME[change])
    assert REUSED in project.build()
    assert project.vendor() == project.wanted()


@pytest.mark.parametrize("change", OTHER)
def test_other_classes_are_looked_for(change: str, project: Project) -> None:
    project.write(other(change, project))
    assert REUSED not in project.build()
    assert project.vendor() == project.wanted()
    assert REUSED in project.build()  # and are known from then on
    assert project.vendor() == project.wanted()


def test_what_was_kept_and_is_damaged_is_not_used(project: Project) -> None:
    (kept,) = project.cache.glob("autoload-*.tar")
    kept.write_bytes(kept.read_bytes().replace(b"App", b"Bpp"))
    assert REUSED not in project.build()
    assert project.vendor() == project.wanted()
    assert REUSED in project.build()


def test_other_options_and_settings_are_another_autoloader(project: Project) -> None:
    assert REUSED not in project.build("--classmap-authoritative")
    assert REUSED in project.build("--classmap-authoritative")
    assert project.vendor() == project.wanted("--classmap-authoritative")
    assert REUSED in project.build()
    (project.folder / "home").mkdir(exist_ok=True)
    (project.folder / "home/config.json").write_text('{"config": {"prepend-autoloader": false}}')
    assert REUSED not in project.build()
    assert project.vendor() == project.wanted()


SCRIPTS = "Illuminate\\Foundation\\ComposerScripts::postAutoloadDump", "@php artisan package:discover --ansi"
MORE: dict[str, dict[str, object]] = {
    "a script of one's own after the dump": {"scripts": {"post-autoload-dump": ["touch dumped"]}},
    "a script before the dump": {"scripts": {"pre-autoload-dump": "touch dumped"}},
    "a script before all of it": {"scripts": {"pre-install-cmd": ["touch dumped"]}},
}


@pytest.mark.parametrize("what", MORE)
def test_scripts_run_in_each_build(what: str, project: Project) -> None:
    project.write({"composer.json": json.dumps({**project.own, **MORE[what]})})
    for _ in range(2):
        assert REUSED not in project.build()
        assert (project.folder / "work/dumped").exists()


def test_a_word_that_two_releases_must_not_share_is_made_anew(project: Project) -> None:
    for _ in range(2):
        assert REUSED not in project.build("--apcu-autoloader")
    assert b"setApcuPrefix" in project.vendor()["composer/autoload_real.php"]


LOCKED: dict[str, dict[str, object]] = {
    "a plugin": {"name": "x/x", "version": "1", "type": "composer-plugin"},
    "a package that is a folder": {"name": "x/x", "version": "1", "dist": {"type": "path", "url": "../x"}},
}


def key(project: Project, *options: str) -> str:
    script = bind(KEY, project.cache / "autoload.key", "php", "--", project.tree, "composer", *OPTIONS, *options)
    project.run(project.folder, "sh", "-euc", script)
    return (project.cache / "autoload.key").read_text().partition("\n")[0]


@pytest.mark.parametrize("what", LOCKED)
def test_what_may_do_more_has_no_key(what: str, project: Project) -> None:
    lock = json.loads((project.tree / "composer.lock").read_text())
    assert len(key(project)) == 64
    project.write({"composer.lock": json.dumps({**lock, "packages-dev": [LOCKED[what]]})})
    assert len(key(project)) == 64  # it is not installed
    project.write({"composer.lock": json.dumps({**lock, "packages": [*lock["packages"], LOCKED[what]]})})
    assert key(project) == ""


def test_with_a_plugin_of_the_users_there_is_no_key(project: Project) -> None:
    (project.folder / "home").mkdir(exist_ok=True)
    (project.folder / "home/composer.lock").write_text(json.dumps({"packages": [{"name": "x/x", "type": "library"}]}))
    assert len(key(project)) == 64
    (project.folder / "home/composer.lock").write_text(json.dumps({"packages": [LOCKED["a plugin"]]}))
    assert key(project) == ""


def test_another_composer_json_has_no_key(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPOSER", "composer.json")
    assert len(key(project)) == 64
    monkeypatch.setenv("COMPOSER", "other.json")
    assert key(project) == ""


def test_a_script_after_all_of_it_runs_and_is_no_hindrance(project: Project) -> None:
    project.write({"composer.json": json.dumps({**project.own, "scripts": {"post-install-cmd": "touch installed"}})})
    assert REUSED not in project.build()
    assert REUSED in project.build()
    assert (project.folder / "work/installed").exists()


def test_what_laravel_does_after_the_dump_is_no_hindrance(project: Project) -> None:
    project.write({"composer.json": json.dumps({**project.own, "scripts": {"post-autoload-dump": SCRIPTS}})})
    assert len(key(project)) == 64


def test_a_folder_that_is_a_link_may_lead_anywhere(project: Project) -> None:
    (project.tree / "app/Linked").symlink_to(project.folder / "elsewhere")
    (project.folder / "elsewhere").mkdir()
    assert key(project) == ""


@pytest.fixture
def committed(project: Project) -> Project:
    """The same, whose builds are commits; what Composer makes of one is kept."""
    project.commits = 1
    shutil.rmtree(project.cache)
    project.cache.mkdir()
    assert REUSED not in project.build()
    return project


@pytest.mark.parametrize("change", SAME)
def test_with_the_same_vendor_and_the_same_classes_nothing_is_left_to_do(change: str, committed: Project) -> None:
    committed.write(SAME[change])
    for _ in range(2):
        assert SPARED in committed.build()
        assert committed.vendor() == committed.wanted()
    installed = committed.vendor()["composer/installed.php"].decode()
    assert committed.run(committed.folder / "work", "git", "rev-parse", "HEAD").strip() in installed


@pytest.mark.parametrize("change", OTHER)
def test_composer_is_called_for_other_classes(change: str, committed: Project) -> None:
    committed.write(other(change, committed))
    said = committed.build()
    assert SPARED not in said
    assert REUSED not in said
    assert committed.vendor() == committed.wanted()
    assert SPARED in committed.build()
    assert committed.vendor() == committed.wanted()


EVENTS = ("init", "command", "pre-command-run", "pre-pool-create", "pre-operations-exec", "post-install-cmd")


@pytest.mark.parametrize("event", EVENTS)
def test_composer_is_called_where_a_script_waits_for_it(event: str, committed: Project) -> None:
    scripts = {event: "touch happened", "post-update-cmd": "touch updated"}
    committed.write({"composer.json": json.dumps({**committed.own, "scripts": scripts})})
    committed.build()
    said = committed.build()
    assert REUSED in said
    assert SPARED not in said
    assert committed.vendor() == committed.wanted()
    assert (committed.folder / "work/happened").exists() or event in ("init", "pre-pool-create", "pre-operations-exec")  # for plugins


def test_scripts_for_something_else_are_no_hindrance(committed: Project) -> None:
    scripts = {"post-update-cmd": "touch updated", "post-autoload-dump": SCRIPTS, "test": "phpunit"}
    committed.write({"composer.json": json.dumps({**committed.own, "scripts": scripts})})
    assert len(key(committed)) == 64
    assert (committed.cache / "autoload.key").read_text().splitlines()[1:] == ["whole"]


@pytest.mark.parametrize("option", ["--profile", "-v", "--audit", "--no-autoloader"])
def test_composer_is_called_with_an_option_that_may_want_more(option: str, committed: Project) -> None:
    assert len(key(committed, option)) == 64
    assert (committed.cache / "autoload.key").read_text().splitlines()[1:] == []


@pytest.mark.parametrize("option", ["--ignore-platform-reqs", "--ignore-platform-req=ext-redis", "--classmap-authoritative"])
def test_what_is_only_less_or_another_autoloader_needs_no_call(option: str, committed: Project) -> None:
    assert REUSED not in committed.build(option)
    assert SPARED in committed.build(option)
    assert committed.vendor() == committed.wanted(option)


def test_composer_is_called_where_a_library_is_wanted(committed: Project) -> None:
    lock = json.loads((committed.tree / "composer.lock").read_text())
    committed.write({"composer.lock": json.dumps({**lock, "platform": {"lib-icu": ">=60"}})})
    assert len(key(committed)) == 64
    assert (committed.cache / "autoload.key").read_text().splitlines()[1:] == []


NAMES = {"a tag": (("tag", "v1.2.3"), b"'1.2.3.0'"), "a branch": (("branch", "main"), b"'dev-main'")}


@pytest.mark.parametrize("what", NAMES)
def test_composer_is_called_for_a_commit_with_a_name_which_it_notes(what: str, committed: Project) -> None:
    committed.git, noted = NAMES[what]
    said = committed.build()
    assert REUSED in said
    assert SPARED not in said
    assert committed.vendor() == committed.wanted()
    assert noted in committed.vendor()["composer/installed.php"]


@pytest.mark.parametrize("what", NAMES)
def test_composer_is_called_after_a_build_that_had_one(what: str, committed: Project) -> None:
    committed.git, noted = NAMES[what]
    committed.write({"lib/new.inc": "<?php class Newer {}"})
    assert REUSED not in committed.build()
    assert noted in committed.vendor()["composer/installed.php"]
    committed.git = ()
    assert SPARED not in committed.build()
    assert committed.vendor() == committed.wanted()


def test_composer_is_called_where_vendor_is_not_that_of_an_earlier_install(committed: Project) -> None:
    shutil.rmtree(committed.folder / "vendor")
    assert SPARED not in committed.build()


def test_composer_is_called_where_the_commit_is_not_known(project: Project) -> None:
    said = project.build()
    assert REUSED in said
    assert SPARED not in said
