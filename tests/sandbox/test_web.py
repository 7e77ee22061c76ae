"""The web server: what it serves is what ``current`` points to, at any moment."""

from __future__ import annotations

import concurrent.futures
import http.client
import json
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from fabfile.sandbox import control as embedded


@pytest.fixture
def site(sandbox, shared_folder, monkeypatch):
    """The sandbox's site with two releases, neither of them current."""
    root = Path(sandbox.path)
    for name in ("one", "two"):
        public = root / "releases" / name / "public"
        (public / "build").mkdir(parents=True)
        (public / "build" / "app.css").write_text(f"/* {name} */")
        (public.parent / "part.php").write_text(f"<?php return '{name}';")
        (public / "index.php").write_text(
            "<?php echo json_encode([basename(dirname(__DIR__)), require __DIR__.'/../part.php', $_SERVER['DOCUMENT_ROOT'],"
            " $_SERVER['SCRIPT_FILENAME'], getcwd(), $_SERVER['REQUEST_URI'], file_get_contents('php://input')]);"
        )
    yield root
    monkeypatch.setenv("FAB_SANDBOX_DIR", str(shared_folder))
    embedded.reset()


def get(sandbox, path="/", data=None):
    """Status, content type and text."""
    try:
        with urllib.request.urlopen(sandbox.url + path, data) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as problem:
        with problem:
            return problem.code, problem.headers["Content-Type"], problem.read().decode()


def switch(root, name):
    (root / "next").symlink_to(f"releases/{name}")
    (root / "next").rename(root / "current")


def test_nothing_deployed(sandbox):
    code, _, text = get(sandbox)
    assert code == 503
    assert "Nothing is deployed" in text


def test_a_release_without_its_entry_point(sandbox, site):
    (site / "releases" / "empty").mkdir()
    switch(site, "empty")
    assert get(sandbox)[0] == 503


def test_an_application_sees_the_real_path(sandbox, site):
    switch(site, "one")
    public = site.resolve() / "releases" / "one" / "public"
    assert json.loads(get(sandbox, "/a/b?c=d", b"body")[2]) == [
        "one", "one", str(public), str(public / "index.php"), str(public), "/a/b?c=d", "body",
    ]  # fmt: skip


@pytest.mark.parametrize("path", ["/", "/index.php", "/../part.php", "/%2e%2e/part.php", "/..%2fpart.php", "/none.css", "//", "/%00"])
def test_all_but_public_files_goes_to_the_application(sandbox, site, path):
    switch(site, "one")
    code, _, text = get(sandbox, path)
    assert code == 200
    assert text.startswith('["one"')


def test_public_files(sandbox, site):
    switch(site, "two")
    assert get(sandbox, "/build/app.css") == (200, "text/css;charset=UTF-8", "/* two */")


@pytest.mark.slow
def test_under_load_each_answer_is_from_one_release_and_none_fails(sandbox, site):
    switch(site, "one")
    done, answers = threading.Event(), []
    port = int(sandbox.url.rsplit(":", 1)[1])

    def load():
        while not done.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request("GET", "/")
            answer = connection.getresponse()
            answers.append((answer.status, answer.read()[:14]))
            connection.close()

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        loads = [pool.submit(load) for _ in range(4)]
        for number in range(60):
            done.wait(0.03)
            switch(site, ("one", "two")[number % 2])
        done.set()
        for finished in loads:
            finished.result()
    assert set(answers) == {(200, b'["one","one","'), (200, b'["two","two","')}
    assert len(answers) > 200


def test_after_a_switch_the_old_one_is_never_served_again(sandbox, site):
    for name in ("one", "two") * 10:
        switch(site, name)
        assert {get(sandbox)[2][:14] for _ in range(8)} == {f'["{name}","{name}","'}
