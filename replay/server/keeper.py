"""
The process that keeps an embedded Postgres: makes, starts, restarts it, stops it when unused.

It is a program of its own, standard library only, started by `embedded` and outliving
its starter.  Whoever dies, and however, the kernel drops their locks; nothing else is asked:

    keeper.lock   held by the one keeper of the folder
    server.lock   held by the Postgres processes, who inherit it: free means that none lives
    users.lock    held shared by every user; when the keeper gets it alone, nobody is left
    gate.lock     held by a user while it comes or goes
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import queue
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NoReturn

from replay.server.privileges import Trouble, become

SUPERUSER = "wattledger"
PORT = 5432  # part of the socket's name; nothing listens on TCP
LONGEST_SOCKET = 107  # bytes of sun_path in Linux without the closing zero; unix(7)
LARGE_LOG = 1 << 24  # bytes
KILLED = (
    "The database had been killed, or the machine had stopped; it has recovered by itself"
    " from its write-ahead log. Nothing that was acknowledged is lost."
)
ADOPTED = "The database was still running after its keeper had been killed; it is kept again."
BEGUN_AGAIN = "The first start had been cut off; the database was made anew."


class Busy(Exception):
    """Another keeper keeps this folder."""


def take(descriptor: int, how: int) -> bool:
    """Take a lock (fcntl.LOCK_EX or LOCK_SH) if it is free now."""
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def opened(path: Path) -> int:
    """Open a lock file, making it where it is missing."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


class Keeper:
    """Keeps the Postgres of one folder, which holds the cluster, locks, socket and log."""

    def __init__(self, folder: Path, binaries: Path, settings: dict[str, str], wait: float):
        self.folder, self.binaries, self.settings = folder, binaries, settings
        self.cluster = folder / "cluster"
        self.deadline = time.monotonic() + wait
        self.kept = opened(folder / "keeper.lock")
        if not take(self.kept, fcntl.LOCK_EX):
            raise Busy
        self.users = opened(folder / "users.lock")
        self.server = opened(folder / "server.lock")
        self.log = _log(folder / "log")
        self.postgres: subprocess.Popen[bytes] | None = None
        self.happened: queue.SimpleQueue[str] = queue.SimpleQueue()

    def begin(self) -> tuple[str, str | None]:
        """Have Postgres serving.  The folder of its socket, and what had to be recovered."""
        become(self.folder, self.binaries)
        while not take(self.server, fcntl.LOCK_EX):
            if self._answers():
                return self._recorded_socket(), ADOPTED
            if time.monotonic() > self.deadline:
                raise Trouble(f"Processes of a killed Postgres do not leave {self.folder}.")
            time.sleep(0.02)
        recovered = None
        if not self.cluster.exists():
            recovered = BEGUN_AGAIN if (self.folder / "cluster.new").exists() else None
            self._make()
        elif (self.cluster / "postmaster.pid").exists():
            recovered = KILLED
        return self._start(), recovered

    def keep(self) -> None:
        """Stay until the last user has left, or we are told to stop; then stop Postgres."""
        signal.signal(signal.SIGTERM, lambda *_: self.happened.put("told"))
        threading.Thread(target=self._watch_users, daemon=True).start()
        self._watch_server()
        while self.happened.get() == "gone":
            self.note("Postgres died while in use; it is started again.")
            self.deadline = time.monotonic() + 300
            if self.postgres:
                self.postgres.wait()
            self._start()
            (self.folder / "restarted").touch()
            self._watch_server()
        self._stop()

    def note(self, sentence: str) -> None:
        """Write a line in the log of Postgres."""
        line = f"{time.strftime('%F %T', time.gmtime())} UTC keeper: {sentence}\n"
        os.write(self.log, line.encode())

    # -- Postgres ---------------------------------------------------------------------------

    def _make(self) -> None:
        """Make the cluster beside its place, then move it there: it is whole or not there."""
        fresh = self.folder / "cluster.new"
        shutil.rmtree(fresh, ignore_errors=True)
        made = subprocess.run(
            [
                *(self.binaries / "initdb", "-D", fresh, "-U", SUPERUSER, "-A", "trust"),
                *("--data-checksums", "--encoding=UTF8", "--locale=C", "--no-instructions"),
                *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=_environment(),
            pass_fds=[self.server],  # should we be killed, the next keeper waits for its end
            check=False,
        )
        if made.returncode:
            shutil.rmtree(fresh, ignore_errors=True)
            raise self._trouble(made.stdout)
        (fresh / "pg_hba.conf").write_text("local all,replication all trust\n")
        fresh.rename(self.cluster)
        _flush(self.folder)

    def _start(self) -> str:
        """Start Postgres, who inherits our lock on the server.  Nobody can be running now."""
        home = self._socket_folder()
        name = f".s.PGSQL.{PORT}"
        for stale in (self.cluster / "postmaster.pid", home / name, home / f"{name}.lock"):
            stale.unlink(missing_ok=True)
        settings = {**self.settings, "unix_socket_directories": f'"{home}"'}
        said = os.fstat(self.log).st_size
        self.postgres = subprocess.Popen(
            [
                *(self.binaries / "postgres", "-D", self.cluster, "-p", str(PORT)),
                *(part for item in settings.items() for part in ("-c", "=".join(item))),
            ],
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            env=_environment(),
            pass_fds=[self.server],
            start_new_session=True,
        )
        os.close(self.server)
        self._await_ready(self.postgres, said)
        self.server = opened(self.folder / "server.lock")
        return str(home)

    def _await_ready(self, postgres: subprocess.Popen[bytes], said: int) -> None:
        while self._status() != (postgres.pid, "ready"):
            if postgres.poll() is not None:
                raise self._trouble(os.pread(self.log, 1 << 20, said))
            if time.monotonic() > self.deadline:
                postgres.send_signal(signal.SIGINT)
                raise Trouble(
                    f"Postgres does not become ready; {self.folder / 'log'} may tell why."
                )
            time.sleep(0.01)

    def _status(self) -> tuple[int, str]:
        """The process and the status that Postgres has put in its pid file (pg_ctl does so)."""
        try:
            lines = (self.cluster / "postmaster.pid").read_text().splitlines()
            return int(lines[0]), lines[7].strip() if len(lines) > 7 else ""
        except (FileNotFoundError, ValueError, IndexError):  # not there, or just being written
            return 0, ""

    def _stop(self) -> None:
        pid, _ = self._status()
        for how, seconds in ((signal.SIGINT, 240), (signal.SIGQUIT, 60)):
            if pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, how)
            with contextlib.suppress(queue.Empty):
                while self.happened.get(timeout=seconds) != "gone":
                    pass
                break
        if self.postgres:
            self.postgres.wait()
        home = Path(self._recorded_socket())
        if home != self.folder:
            shutil.rmtree(home, ignore_errors=True)

    def _trouble(self, output: bytes) -> Trouble:
        text = output.decode(errors="replace").strip()
        if "No space left on device" in text or "Check free disk space" in text:
            return Trouble(f"The disk that holds {self.folder.parent} is full.")
        said = "\n  ".join(text.splitlines()[-4:])
        return Trouble(f"Postgres does not start in {self.folder}:\n  {said}")

    # -- the socket -------------------------------------------------------------------------

    def _recorded_socket(self) -> str:
        try:
            return (self.folder / "socket").read_text()
        except FileNotFoundError:
            return str(self.folder)

    def _socket_folder(self) -> Path:
        """Beside the cluster; in a private folder elsewhere when that path is too long."""
        home = Path(self._recorded_socket())
        if _fits(self.folder):
            home = self.folder
        elif home == self.folder or not _is_private(home):
            places = (tempfile.gettempdir(), "/tmp")
            fitting = [place for place in places if _fits(Path(place, "wattledger-12345678"))]
            if not fitting:
                raise Trouble("The folder for temporary files is too deep for a socket.")
            home = Path(tempfile.mkdtemp(prefix="wattledger-", dir=fitting[0]))
        (self.folder / "socket").write_text(str(home))
        return home

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as door, contextlib.suppress(OSError):
            door.connect(str(Path(self._recorded_socket(), f".s.PGSQL.{PORT}")))
            return True
        return False

    # -- watching ---------------------------------------------------------------------------

    def _watch_users(self) -> None:
        fcntl.flock(self.users, fcntl.LOCK_EX)
        self.happened.put("left")

    def _watch_server(self) -> None:
        def watch() -> None:
            fcntl.flock(self.server, fcntl.LOCK_EX)
            self.happened.put("gone")

        threading.Thread(target=watch, daemon=True).start()


def _fits(folder: Path) -> bool:
    """Whether a socket in this folder has a path that the kernel and libpq can take."""
    name = os.fsencode(folder / f".s.PGSQL.{PORT}")
    return len(name) <= LONGEST_SOCKET and not set(name) & set(b',"')


def _is_private(folder: Path) -> bool:
    try:
        found = folder.lstat()
    except OSError:
        return False
    private = stat.S_ISDIR(found.st_mode) and not found.st_mode & 0o077
    return private and found.st_uid == os.geteuid()


def _environment() -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith("PG")}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}


def _log(path: Path) -> int:
    """The log, begun anew when it has grown large."""
    if path.exists() and path.stat().st_size > LARGE_LOG:
        path.replace(path.with_name("log.old"))
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)


def _flush(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def _say(answer: dict[str, object]) -> NoReturn:
    os.write(1, json.dumps(answer).encode() + b"\n")
    os._exit(0)


def main() -> NoReturn:
    """Read the job (a JSON object, the last argument), answer in one line, stay."""
    job = json.loads(sys.argv[-1])
    if os.fork():
        os._exit(0)
    folder = Path(job["folder"])
    try:
        keeper = Keeper(folder, Path(job["binaries"]), job["settings"], job["wait"])
        home, recovered = keeper.begin()
    except Busy:
        _say({"busy": True})
    except Trouble as trouble:
        _say({"trouble": str(trouble)})
    except OSError as error:
        _say({"trouble": error.strerror, "errno": error.errno, "filename": error.filename})
    os.write(1, json.dumps({"socket": home, "recovered": recovered}).encode() + b"\n")
    os.dup2(keeper.log, 1)
    try:
        keeper.keep()
    except (Trouble, OSError) as trouble:
        keeper.note(str(trouble))
    os._exit(0)
