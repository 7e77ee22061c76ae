from collections.abc import Callable
from pathlib import Path

import pytest

from fabfile.engine import tomlfile
from fabfile.engine.settings import Loaded, SettingsError, load


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No deploy.toml but the test's own is found."""
    monkeypatch.delenv(tomlfile.VARIABLE, raising=False)
    monkeypatch.setattr(tomlfile, "BESIDE_FABFILE", tmp_path / "nowhere")


@pytest.fixture
def loading(tmp_path: Path) -> Callable[..., Loaded]:
    """Loads a text as deploy.toml, with the overrides and the .env.deploy given."""

    def loading(text: str = "", *overrides: str, env: str = "", **more: object) -> Loaded:
        (tmp_path / "deploy.toml").write_text(text, encoding="utf-8")
        if env:
            (tmp_path / ".env.deploy").write_text(env, encoding="utf-8")
        return load(overrides=overrides, cwd=tmp_path, **more)

    return loading


@pytest.fixture
def refused(loading: Callable[..., Loaded]) -> Callable[..., str]:
    """The one line in which a text, or the host asked for in it, is refused with exit code 2."""

    def refused(text: str, *overrides: str, host: str = "", env: str = "") -> str:
        with pytest.raises(SettingsError) as caught:
            loading(text, *overrides, env=env).host(host)
        assert caught.value.code == 2
        message = str(caught.value)
        assert message.isprintable(), f"more than one line, or control characters: {message!r}"
        return message

    return refused
