"""An application is recognized by its files, and the flow's JSON becomes settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from fabfile.engine.errors import Failure
from fabfile.laravel import detect, flowconfig, gitfiles

LOCK = '{"packages": [{"name": "laravel/framework", "version": "v11.9.2"}, {"name": "laravel/horizon", "version": "v5.0.0"}]}'
FILES = {
    "artisan": "#!/usr/bin/env php",
    "composer.json": '{"name": "acme/shop", "require": {"php": "^8.2", "laravel/pulse": "*"}, "require-dev": {"laravel/telescope": "*"}}',
    "composer.lock": LOCK,
    "package.json": '{"scripts": {"build": "vite build && vite build --ssr"}}',
    "pnpm-lock.yaml": "",
    "vite.config.ts": "",
    ".env.example": "DB_CONNECTION=sqlite\nCACHE_STORE=database\nQUEUE_CONNECTION=\n",
    ".git/config": '[core]\n\tbare = false\n[remote "up"]\n\turl = no\n[remote "origin"]\n\turl = git@example.com:acme/shop.git\n',
    ".git/HEAD": "ref: refs/heads/feature/a\n",
    "bootstrap/app.php": "<?php\n->withRouting(\n  // health: '/no',\n  health: '/up',\n)",
    ".gitignore": "/public/uploads\n",
    "public/media/a.png": "",
}


def project(folder: Path, **changes: str | None) -> Path:
    for name, text in {**FILES, **changes}.items():
        if text is not None:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
    return folder


def test_a_laravel_application(tmp_path: Path) -> None:
    assert detect.detect(project(tmp_path)) == detect.Application(
        laravel=True,
        name="shop",
        framework="11.9.2",
        php="^8.2",
        has_frontend=True,
        bundler="vite",
        ssr=True,
        package_managers=("pnpm",),
        addons=("horizon", "pulse", "telescope"),
        stores=(("DB_CONNECTION", "sqlite"), ("CACHE_STORE", "database")),
        repository="git@example.com:acme/shop.git",
        branch="feature/a",
        health_path="/up",
        shared_folders=(*detect.SHARED, "public/uploads", "public/media"),
    )


def test_an_old_application_without_a_frontend(tmp_path: Path) -> None:
    changes = {
        "composer.json": '{"name": "laravel/laravel"}',
        "package.json": None,
        "bootstrap/app.php": "<?php",
        ".git/config": None,
        "composer.lock": None,
    }
    found = detect.detect(project(tmp_path / "My Shop", **changes))
    assert (found.name, found.framework, found.has_frontend, found.health_path, found.repository) == ("My Shop", "", False, "", "")


def test_something_else_is_no_application(tmp_path: Path) -> None:
    assert detect.detect(project(tmp_path, artisan=None)) == detect.Application(laravel=False)


def test_the_example_application_is_recognized() -> None:
    example = Path(__file__).parents[2] / "examples/laravel"
    if not example.is_dir():
        pytest.skip("there is no example application")
    found = detect.detect(example)
    assert (found.laravel, found.bundler, found.package_managers) == (True, "vite", ("npm",))


@pytest.mark.parametrize(
    ("config", "url"),
    [
        ('[remote "origin"]\r\n\turl = "https://example.com/a b.git"\r\n', "https://example.com/a b.git"),
        ('[remote "origin"] url = /srv/a.git ; comment\n', "/srv/a.git"),
        ('[remote "origin"]\n\tpushurl = x\n[branch "url"]\n\turl = y\n', ""),
        ('[remote "origin"]\n\turl = https://user:secret@example.com/a.git\n', "https://example.com/a.git"),
        ("", ""),
    ],
)
def test_the_origin_of_a_repository(config: str, url: str) -> None:
    assert gitfiles.origin_url(config) == url


def test_a_detached_head_has_no_branch() -> None:
    assert gitfiles.branch("d0c3bf1e0f0e3f2a0d7f1b7f6a3e3a8e5f6f7a8b\n") == ""


FLOW = """{
  "project": {"name": "SocietyPal", "type": "laravel-with-js", "has_frontend": true},
  "paths": {"local_machine": "/src/app", "server_domain": "/home/u1/domains/dev.example.com",
    "server_deploy": "/home/u1/domains/dev.example.com/deploy", "builder_vm": "${BUILD_SERVER_PATH:-/tmp/build}"},
  "repository": {"url": "git@example.com:a/b.git", "branch": "main", "commit_start": "${COMMIT_START}", "commit_end": "${COMMIT_END}"},
  "versions": {"php": "8.2", "composer": "2", "node": "18", "npm": "9"},
  "deployment": {"strategy": "deployHQ", "keep_releases": 5,
    "shared_folders": ["storage/app/public", "storage/framework/views", "public/uploads"], "extra": 1}
}"""


def test_the_flows_json_becomes_settings() -> None:
    assert flowconfig.import_flow_json(FLOW) == {
        "project": {
            "name": "SocietyPal",
            "type": "laravel-with-js",
            "has_frontend": True,
            "path": "/src/app",
            "repository": "git@example.com:a/b.git",
            "branch": "main",
            "commit_start": "${COMMIT_START}",
            "commit": "${COMMIT_END}",
        },
        "hosts": {
            "prod": {
                "path": "/home/u1/domains/dev.example.com/deploy",
                "public_html": {"mode": "none", "path": "/home/u1/domains/dev.example.com/public_html"},
            }
        },
        "build": {"path": "${BUILD_SERVER_PATH:-/tmp/build}", "strategy": "deployHQ"},
        "versions": {"php": "8.2", "composer": "2", "node": "18", "npm": "9"},
        "defaults": {"keep_releases": 5, "shared_folders": ["storage/app/public", "public/uploads"]},
    }
    assert flowconfig.unknown_keys(FLOW) == ("deployment.extra",)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"project": '])
def test_a_broken_json_is_a_failure(text: str) -> None:
    with pytest.raises(Failure, match=r"deployment-config\.json"):
        flowconfig.import_flow_json(text)
