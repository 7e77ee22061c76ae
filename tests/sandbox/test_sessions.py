"""What a client may expect of any sshd: streams, exit codes, and what happens when it goes away."""

from __future__ import annotations

import concurrent.futures
import hashlib
import os
import stat
import time
from pathlib import Path

import paramiko
import pytest

from .conftest import connect

MEGABYTE = 1 << 20


def run(client, command, data=b""):
    """Run ``command`` with ``data`` as input; return exit code, output, errors."""
    stdin, stdout, stderr = client.exec_command(command)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        output, errors = pool.submit(stdout.read), pool.submit(stderr.read)
        stdin.write(data)
        stdin.channel.shutdown_write()
        return stdout.channel.recv_exit_status(), output.result(), errors.result()


def eventually(true, seconds=10):
    """Wait for something that another process does."""
    deadline = time.monotonic() + seconds
    while not (found := true()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


@pytest.mark.parametrize("data", [b"", b"\0", bytes(range(256)) * 5, b"\r\n\x1b\xff\n" * 9, os.urandom(3 * MEGABYTE)], ids=len)
def test_bytes_come_back_as_they_went(client, data):
    assert run(client, "cat", data) == (0, data, b"")
    assert run(client, "cat >&2", data) == (0, b"", data)


@pytest.mark.parametrize("code", [0, 1, 77, 255])
def test_exit_code(client, code):
    assert run(client, f"echo out; echo err >&2; exit {code}") == (code, b"out\n", b"err\n")


def test_a_signal_is_not_an_exit_code(client):
    assert run(client, "kill -9 $$")[0] == -1


def test_input_can_be_opened_by_name(client):
    assert run(client, "cat /dev/stdin", b"text") == (0, b"text", b"")


def test_input_that_nobody_reads_is_dropped(client):
    assert run(client, "exec <&-; sleep 0.3; echo done", os.urandom(5 * MEGABYTE)) == (0, b"done\n", b"")


def test_environment(client, sandbox):
    assert run(client, "pwd; echo $HOME; command -v php; umask; set -- $PATH; ps -o sid= -p $$ | grep -cw $$")[1].decode().split() == [
        *[str(Path(sandbox.php).parents[1] / "home")] * 2, sandbox.php, "0022", "1",
    ]  # fmt: skip
    assert b"ok" in run(client, "php -r 'echo \"ok\";'")[1]


def test_a_conversation_over_one_channel(client):
    channel = client.get_transport().open_session()
    channel.exec_command("exec sh")
    answers = channel.makefile("rb")
    for number in range(300):
        channel.sendall(f"echo {number} $$\n".encode())
        assert answers.readline().split()[0] == str(number).encode()
    channel.sendall(b"exit 9\n")
    assert channel.recv_exit_status() == 9


def test_many_channels_and_connections(sandbox):
    clients = [connect(sandbox) for _ in range(3)]
    with concurrent.futures.ThreadPoolExecutor(30) as pool:
        jobs = [pool.submit(run, clients[n % 3], f"sleep 0.1; cat; exit {n}", str(n).encode()) for n in range(30)]
    assert [job.result() for job in jobs] == [(n, str(n).encode(), b"") for n in range(30)]
    for made in clients:
        made.close()


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_large_streams_in_flat_memory(client, sandbox):
    def peak():
        status = Path(f"/proc/{sandbox.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) * 1024

    before, data = peak(), os.urandom(MEGABYTE) * 100
    code, output, _ = run(client, "sha256sum; head -c 104857600 /dev/zero", data)
    assert code == 0
    assert output.split(maxsplit=1)[0] == hashlib.sha256(data).hexdigest().encode()
    assert len(output) > len(data)
    stdin, stdout, _ = client.exec_command("head -c 104857600 /dev/zero")
    stdin.close()
    time.sleep(1)  # a client that does not read must slow the command down, not fill the server
    assert len(stdout.read()) == 104857600
    assert peak() - before < 32 * MEGABYTE


@pytest.mark.parametrize("drop", ["channel", "connection", "socket"])
def test_a_client_that_vanishes_closes_the_streams_but_kills_nothing(sandbox, tmp_path, drop):
    client = connect(sandbox)
    stdin, stdout, _ = client.exec_command(
        f"cd {tmp_path}; trap '' PIPE; cat >/dev/null; echo eof >eof; while echo x; do sleep 0.05; done 2>/dev/null; echo broken >broken"
    )
    stdin.write("x")
    gone = {"channel": stdout.channel, "connection": client, "socket": client.get_transport().sock}
    gone[drop].close()
    assert eventually((tmp_path / "eof").exists)
    assert eventually((tmp_path / "broken").exists)
    client.close()


def test_a_command_that_is_silent_outlives_its_client(sandbox, tmp_path):
    client = connect(sandbox)
    client.exec_command(f"cd {tmp_path}; echo $$ >started; sleep 0.5; echo on >after")
    assert eventually((tmp_path / "started").exists)
    client.close()
    assert eventually((tmp_path / "after").exists)


def test_sftp_renames_over_what_is_there(client, sandbox):
    sftp = client.open_sftp()
    for name in ("one", "two"):
        with sftp.open(name, "wb") as file:
            file.write(name)
    sftp.posix_rename("one", "two")
    assert sftp.open("two").read() == b"one"
    home = Path(sandbox.php).parents[1] / "home"
    assert [path.name for path in home.iterdir()] == ["two"]
    sftp.remove("two")


def test_only_its_user_with_its_key_gets_in(sandbox, tmp_path):
    other = tmp_path / "key"
    paramiko.RSAKey.generate(2048).write_private_key_file(str(other))
    for changes in ({"username": "nobody-else"}, {"key_filename": str(other)}, {"key_filename": None, "password": "x"}):
        with pytest.raises(paramiko.SSHException):
            connect(sandbox, **changes)


def test_its_files_are_private(sandbox):
    root = Path(sandbox.php).parents[1]
    assert stat.S_IMODE(root.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in (root / "keys").iterdir()} == {0o600}
