"""Where settings and client secrets are found, and what is said when they are not."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fitbitd.assembly import DATA_TYPES
from fitbitd.commands.init import for_user
from fitbitd.config import AccountSettings, example, find_config, load, parse, read_secret
from fitbitd.errors import OperatorError

TYPES = {"fitbit": {"heart_rate": True, "steps": True}}
ALICE = """
[[account]]
name = "alice"
provider = "fitbit"
client_id = "23ABCD"
"""


def refusal(path: Path) -> str:
    with pytest.raises(OperatorError) as caught:
        load(path, TYPES)
    assert caught.value.exit_code == 78
    assert "\nNext: " in str(caught.value)
    return str(caught.value)


@contextmanager
def without_root() -> Iterator[None]:
    """Be somebody whom permissions stop."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


# Files


def test_a_missing_file_is_said_with_the_remedy(tmp_path: Path) -> None:
    said = refusal(tmp_path / "none.toml")
    assert said.startswith(f"cannot read {tmp_path}/none.toml: no such file or directory.")
    assert "fitbitd init" in said


def test_an_unreadable_file_is_said_with_the_remedy(tmp_path: Path) -> None:
    file = tmp_path / "fitbitd.toml"
    file.write_text(ALICE)
    file.chmod(0)
    with without_root():
        said = refusal(file)
    assert said == (
        f"cannot read {file}: permission denied.\nNext: let this user read it: ls -l {file}"
    )


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert "is a directory" in refusal(tmp_path)


def test_a_file_that_is_not_text_says_where(tmp_path: Path) -> None:
    file = tmp_path / "fitbitd.toml"
    file.write_bytes(b"# one\n# two \xe4\n")
    assert "line 2 is not UTF-8 text" in refusal(file)


def test_a_file_that_is_not_toml_says_where(tmp_path: Path) -> None:
    file = tmp_path / "fitbitd.toml"
    file.write_text("# one\nstate_dir = /var/lib\n")
    assert "is not TOML: Invalid value (at line 2, column 13)." in refusal(file)


# Where the file is


def test_the_asked_for_file_comes_first_then_the_environment(tmp_path: Path) -> None:
    environ = {"FITBITD_CONFIG": "/of/environment"}
    assert find_config(Path("/asked"), environ, system=tmp_path) == Path("/asked")
    assert find_config(None, environ, system=tmp_path) == Path("/of/environment")


def test_the_machines_file_comes_before_the_users_own(tmp_path: Path) -> None:
    system, own = tmp_path / "etc.toml", tmp_path / ".config" / "fitbitd" / "fitbitd.toml"
    elsewhere = tmp_path / "xdg" / "fitbitd" / "fitbitd.toml"
    for file in (own, elsewhere):
        file.parent.mkdir(parents=True)
        file.touch()
    environ = {"HOME": str(tmp_path)}
    assert find_config(None, environ, system=system) == own
    xdg = {**environ, "XDG_CONFIG_HOME": str(tmp_path / "xdg")}
    assert find_config(None, xdg, system=system) == elsewhere
    system.touch()
    assert find_config(None, xdg, system=system) == system


def test_no_file_anywhere_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(OperatorError) as caught:
        find_config(None, {"HOME": str(tmp_path)}, system=tmp_path / "etc.toml")
    said = str(caught.value)
    assert f"{tmp_path}/etc.toml: no such file or directory" in said
    assert f"{tmp_path}/.config/fitbitd/fitbitd.toml: no such file or directory" in said
    assert "Next: fitbitd init" in said
    with pytest.raises(OperatorError):
        find_config(None, {}, system=tmp_path / "etc.toml")


def test_a_file_that_may_not_be_seen_is_not_called_missing(tmp_path: Path) -> None:
    closed = tmp_path / "etc"
    closed.mkdir(mode=0)
    with without_root(), pytest.raises(OperatorError, match="permission denied"):
        find_config(None, {}, system=closed / "fitbitd.toml")


# Client secrets


def account(**changed: object) -> AccountSettings:
    content = {"name": "al-ice", "provider": "fitbit", "client_id": "23ABCD", **changed}
    lines = [f"{key} = {json.dumps(value)}" for key, value in content.items()]
    return parse("\n".join(["[[account]]", *lines]), TYPES).accounts[0]


def secret_file(folder: Path, content: str = "from-file\n", mode: int = 0o600) -> Path:
    file = folder / "secret"
    file.write_text(content)
    file.chmod(mode)
    return file


def secret_of(settings_of: AccountSettings, environ: dict[str, str]) -> str | None:
    found = read_secret(settings_of, environ)
    return found.value if found else None


def test_a_secret_comes_from_systemd_then_the_file_then_the_environment(tmp_path: Path) -> None:
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    environ = {
        "FITBITD_AL_ICE_CLIENT_SECRET": "from-environment",
        "CREDENTIALS_DIRECTORY": str(credentials),
    }
    plain, with_file = account(), account(client_secret_file=str(secret_file(tmp_path)))
    assert secret_of(plain, environ) == "from-environment"
    assert secret_of(with_file, environ) == "from-file"
    (credentials / "al-ice.client_secret").write_text("from-systemd")
    assert secret_of(with_file, environ) == "from-systemd"


def test_a_missing_secret_names_the_three_ways() -> None:
    with pytest.raises(OperatorError) as caught:
        read_secret(account(), {"FITBITD_AL_ICE_CLIENT_SECRET": " "})
    assert (caught.value.code, caught.value.exit_code) == ("settings", 78)
    assert str(caught.value) == (
        "al-ice: there is no client secret. Nothing was sent.\n"
        "Next: set client_secret_file, or FITBITD_AL_ICE_CLIENT_SECRET; or give systemd the"
        " credential al-ice.client_secret (LoadCredential=), and to a typed command with it:"
        " systemd-run --pty -p User=fitbitd -p LoadCredential=... fitbitd ..."
    )


def test_a_public_client_has_no_secret() -> None:
    assert read_secret(account(app_type="client"), {}) is None


@pytest.mark.parametrize(
    ("mode", "noted"), [(0o600, False), (0o640, False), (0o644, True), (0o660, True)]
)
def test_a_secret_that_is_open_to_others_is_noted(tmp_path: Path, mode: int, noted: bool) -> None:  # noqa: FBT001 - a table's column
    file = secret_file(tmp_path, mode=mode)
    found = read_secret(account(client_secret_file=str(file)), {})
    assert found is not None
    assert bool(found.note) is noted
    assert found.note is None or f"chmod g-w,o= {file}" in found.note


@pytest.mark.parametrize(("content", "why"), [(" \n", "it is empty"), (None, "no such file")])
def test_a_secret_file_without_a_secret_is_an_error(
    tmp_path: Path, content: str | None, why: str
) -> None:
    file = tmp_path / "secret" if content is None else secret_file(tmp_path, content)
    environ = {"FITBITD_AL_ICE_CLIENT_SECRET": "never in place of a file that was named"}
    with pytest.raises(OperatorError, match=why):
        read_secret(account(client_secret_file=str(file)), environ)


def test_a_secret_file_that_is_not_text_is_an_error(tmp_path: Path) -> None:
    file = secret_file(tmp_path)
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(OperatorError, match="it is not text"):
        read_secret(account(client_secret_file=str(file)), {})


def test_a_secret_file_of_somebody_else_is_an_error(tmp_path: Path) -> None:
    file = secret_file(tmp_path, mode=0)
    with without_root(), pytest.raises(OperatorError, match="permission denied") as caught:
        read_secret(account(client_secret_file=str(file)), {})
    assert str(file) in str(caught.value)
    assert caught.value.exit_code == 78


def test_a_secret_does_not_show_itself(tmp_path: Path) -> None:
    found = read_secret(account(client_secret_file=str(secret_file(tmp_path))), {})
    assert "from-file" not in repr(found)


def test_the_configuration_of_an_ordinary_user_keeps_the_data_at_home() -> None:
    assert for_user(example(), 0) == example()
    settings = parse(for_user(example(), 1000), DATA_TYPES)
    assert settings.state_dir == Path.home() / "fitbitd"
