"""The server as a process: its port, its signals, and that nothing answered is ever lost."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from pydantic import SecretStr

from api.auth import mint, secret_of
from api.serve import PortTaken, alone, bound
from api.settings import Settings
from replay.store.history import History

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = "from api.serve import run; from api.settings import Settings; run(Settings())"


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    with bound("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
    return Settings(database_url=SecretStr(database_url), data_dir=tmp_path, port=port)


def started(settings: Settings) -> subprocess.Popen[str]:
    url = settings.database_url
    assert url is not None
    mine = {
        "WATTLEDGER_DATABASE_URL": url.get_secret_value(),
        "WATTLEDGER_DATA_DIR": str(settings.data_dir),
        "WATTLEDGER_PORT": str(settings.port),
    }
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env=os.environ | mine,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def serving(settings: Settings) -> Iterator[subprocess.Popen[str]]:
    process = started(settings)
    try:
        until = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < until:
            try:
                httpx2.get(f"http://127.0.0.1:{settings.port}/healthz", timeout=30)
                break
            except httpx2.TransportError:
                time.sleep(0.1)
        assert process.poll() is None, process.stderr and process.stderr.read()
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stderr is not None:
            process.stderr.close()


def test_a_data_folder_has_one_server_and_the_second_says_so(tmp_path: Path) -> None:
    ours = Settings(data_dir=tmp_path / "data", port=0)
    asked = [sys.executable, "-c", PROGRAM]
    environment = os.environ | {
        "WATTLEDGER_DATA_DIR": str(ours.data_dir),
        "WATTLEDGER_PORT": "0",
    }
    with alone(ours):
        second = subprocess.run(
            asked, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        assert second.returncode == 1
        assert second.stderr.startswith(f"Another server serves from {ours.data_dir};")
    with alone(ours):
        pass  # who has left may be followed


def test_a_port_that_is_taken_is_said_in_a_sentence(settings: Settings) -> None:
    with bound("127.0.0.1", settings.port):
        process = started(settings)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"Port {settings.port}" in said
    assert "Traceback" not in said


def test_an_address_that_is_none_is_said_in_a_sentence() -> None:
    with pytest.raises(PortTaken, match="no address"):
        bound("no.such.host.invalid", 0)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(PortTaken, match="--port"):
            bound("127.0.0.1", other.getsockname()[1])


def write(writer: int, client: httpx2.Client, answered: list[int]) -> None:
    """Register customers, and note the positions that were answered, until nobody answers."""
    for n in range(100_000):
        body = {"customer": f"C{writer}-{n}", "name": "A"}
        try:
            told = client.post("/commands/register-customer", json=body)
        except httpx2.TransportError:
            return
        if told.status_code == 201:
            answered.extend(told.json()["positions"])
        elif told.status_code == 503:
            return


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_whatever_was_answered_is_there_after_a_stop(settings: Settings, sig: int) -> None:
    """Writers write, a stream is open, and the server is told to stop, or shot."""
    token = mint(secret_of(settings), "ada", "admin")
    headers = {"Authorization": f"Bearer {token}"}
    answered: list[int] = []
    url = f"http://127.0.0.1:{settings.port}"
    with serving(settings) as process, httpx2.Client(base_url=url, headers=headers) as client:
        sse = {"Accept": "text/event-stream"}
        with client.stream("GET", "/feed", headers=sse, timeout=30) as stream:
            next(stream.iter_lines())
            threads = [
                threading.Thread(target=write, args=(n, client, answered)) for n in range(6)
            ]
            for thread in threads:
                thread.start()
            while len(answered) < 100:
                time.sleep(0.01)
            process.send_signal(sig)
            code = process.wait(40)
        for thread in threads:
            thread.join()
    assert code == (-signal.SIGKILL if sig == signal.SIGKILL else 0)
    assert settings.database_url is not None
    with History(settings.database_url.get_secret_value()) as history:
        recorded = [fact.position for fact in history.since()]
    assert recorded == list(range(1, len(recorded) + 1))
    assert set(answered) <= set(recorded)
    assert len(set(answered)) == len(answered)
