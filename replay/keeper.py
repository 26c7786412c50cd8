"""
The process that keeps an embedded Postgres: makes, starts, restarts it, stops it when unused.

It is a program of its own, standard library only, started by `replay.embedded` and outliving it.
Whoever dies, and however, the kernel drops their locks, and locks are all that is looked at:

    keeper.lock   held by the one keeper of the folder
    server.lock   held by the Postgres processes themselves, who inherit it: free if none is left
    users.lock    held shared by every user; when the keeper gets it alone, nobody is left
    gate.lock     held by a user while it comes or goes
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import pwd
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

SUPERUSER = "wattledger"
PORT = 5432  # part of the socket's name; nothing listens on TCP
LONGEST_SOCKET = 107  # bytes of sun_path in Linux without the closing zero; unix(7)
KILLED = (
    "The database had been killed, or the machine had stopped; it has recovered by itself"
    " from its write-ahead log. Nothing that was acknowledged is lost."
)
ADOPTED = "The database was still running after its keeper had been killed; it is kept again."
BEGUN_AGAIN = "The first start had been cut off; the database was made anew."

CLONE_NEWUSER = 0x10000000  # linux/sched.h


class Trouble(Exception):  # noqa: N818  (it becomes a sentence for the user)
    """What is wrong, in a sentence."""


class Busy(Exception):  # noqa: N818  (an answer, not an error)
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


# ------------------------------------------------------------------------------------------
# Whom Postgres runs as: it refuses root


def become(folder: Path, binaries: Path) -> None:
    """
    Become whom Postgres may run as: the owner of the folder, if that is not root.

    Root enters a user namespace in which it is called nobody, so that every file stays root's;
    where namespaces are forbidden the folder is given to nobody.  A user without a name in the
    user database (a container's) enters one too, for initdb wants a name.
    """
    user, owner = os.geteuid(), folder.stat().st_uid
    if user == 0 and owner != 0:
        _drop_to(owner, folder.stat().st_gid)
    elif user == 0 or not _has_name(user):
        nobody = _nobody()
        if _may_enter(nobody):
            _enter(nobody)
        elif user == 0:
            _give_to(nobody, folder, binaries)
            _drop_to(nobody.pw_uid, nobody.pw_gid)


def _has_name(user: int) -> bool:
    try:
        pwd.getpwuid(user)
    except KeyError:
        return False
    return True


def _nobody() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("nobody")
    except KeyError:
        for entry in pwd.getpwall():
            if entry.pw_uid:
                return entry
    raise Trouble("Postgres does not run as root, and this machine knows no other user.")


def _may_enter(nobody: pwd.struct_passwd) -> bool:
    """Try the namespace in a child, for half a namespace cannot be left again."""
    child = os.fork()
    if not child:
        code = 1
        with contextlib.suppress(BaseException):
            _enter(nobody)
            code = 0
        os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _enter(nobody: pwd.struct_passwd) -> None:
    """Enter a user namespace in which we are called nobody; user_namespaces(7)."""
    user, group = os.geteuid(), os.getegid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{nobody.pw_uid} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{nobody.pw_gid} {group} 1")


def _give_to(nobody: pwd.struct_passwd, folder: Path, binaries: Path) -> None:
    os.chmod(folder.parent, stat.S_IMODE(folder.parent.stat().st_mode) | stat.S_IXOTH)
    for place in (folder, binaries):
        for parent in place.parents:
            if not parent.stat().st_mode & stat.S_IXOTH:
                raise Trouble(
                    "Postgres does not run as root, and user namespaces are forbidden here; it"
                    f" would run as {nobody.pw_name}, who may not pass through {parent}. Choose"
                    " a folder that all may pass through, or start as an ordinary user."
                )
    for place in (folder, *folder.rglob("*")):
        os.chown(place, nobody.pw_uid, nobody.pw_gid, follow_symlinks=False)


def _drop_to(user: int, group: int) -> None:
    os.setgroups([])
    os.setgid(group)
    os.setuid(user)


# ------------------------------------------------------------------------------------------
# The keeper


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
        self.postgres: subprocess.Popen[bytes] | None = None
        self.happened: queue.SimpleQueue[str] = queue.SimpleQueue()

    def begin(self) -> tuple[str, str | None]:
        """Have Postgres serving.  The folder of its socket, and what had to be recovered."""
        recovered = None
        while not take(self.server, fcntl.LOCK_EX):
            if self._answers():
                return self._recorded_socket(), ADOPTED
            if time.monotonic() > self.deadline:
                raise Trouble(f"Processes of a killed Postgres do not leave {self.folder}.")
            time.sleep(0.02)
        become(self.folder, self.binaries)
        if not self.cluster.exists():
            if (self.folder / "cluster.new").exists():
                recovered = BEGUN_AGAIN
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
            self.deadline = time.monotonic() + 300
            if self.postgres:
                self.postgres.wait()
            self._note("Postgres died while in use; it is started again.")
            self._start()
            (self.folder / "restarted").touch()
            self._watch_server()
        self._stop()

    # -- Postgres ---------------------------------------------------------------------------

    def _make(self) -> None:
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
            check=False,
        )
        if made.returncode:
            raise _trouble(self.folder, made.stdout)
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
        log = os.fstat(2).st_size
        self.postgres = subprocess.Popen(
            [
                *(self.binaries / "postgres", "-D", self.cluster, "-p", str(PORT)),
                *(part for item in settings.items() for part in ("-c", "=".join(item))),
            ],
            stdin=subprocess.DEVNULL,
            stdout=2,
            stderr=2,
            env=_environment(),
            pass_fds=[self.server],
            start_new_session=True,
        )
        os.close(self.server)
        self.server = -1
        self._await_ready(self.postgres, log)
        return str(home)

    def _await_ready(self, postgres: subprocess.Popen[bytes], log: int) -> None:
        while self._status() != (postgres.pid, "ready"):
            if postgres.poll() is not None:
                raise _trouble(self.folder, (self.folder / "log").read_bytes()[log:])
            if time.monotonic() > self.deadline:
                postgres.send_signal(signal.SIGINT)
                raise Trouble(
                    f"Postgres did not become ready in time; see {self.folder / 'log'}."
                )
            time.sleep(0.01)

    def _status(self) -> tuple[int, str]:
        """The process and the status that Postgres has put in its pid file (pg_ctl does so)."""
        try:
            lines = (self.cluster / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return 0, ""
        return (int(lines[0]), lines[7].strip()) if len(lines) > 7 else (0, "")

    def _stop(self) -> None:
        pid, _ = self._status()
        for how, seconds in ((signal.SIGINT, 240), (signal.SIGQUIT, 60)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid or (self.postgres.pid if self.postgres else os.getpid()), how)
            with contextlib.suppress(queue.Empty):
                while self.happened.get(timeout=seconds) != "gone":
                    pass
                break
        if self.postgres:
            self.postgres.wait()
        home = Path(self._recorded_socket())
        if home != self.folder:
            shutil.rmtree(home, ignore_errors=True)

    # -- the socket -------------------------------------------------------------------------

    def _recorded_socket(self) -> str:
        try:
            return (self.folder / "socket").read_text()
        except FileNotFoundError:
            return str(self.folder)

    def _socket_folder(self) -> Path:
        """Beside the cluster; in a private folder elsewhere when that path is too long."""
        recorded = Path(self._recorded_socket())
        if _fits(self.folder):
            home = self.folder
        elif recorded != self.folder and _is_private(recorded):
            home = recorded
        else:
            places = [
                place
                for place in (tempfile.gettempdir(), "/tmp")
                if _fits(Path(place, "x" * 19))
            ]
            if not places:
                raise Trouble(
                    "The path of the folder for temporary files is too long for a socket."
                )
            home = Path(tempfile.mkdtemp(prefix="wattledger-", dir=places[0]))
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
        def watch(descriptor: int) -> None:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            self.happened.put("gone")

        if self.server < 0:
            self.server = opened(self.folder / "server.lock")
        threading.Thread(target=watch, args=(self.server,), daemon=True).start()

    def _note(self, sentence: str) -> None:
        os.write(
            2, f"{time.strftime('%F %T', time.gmtime())} UTC keeper: {sentence}\n".encode()
        )


def _fits(folder: Path) -> bool:
    """Whether a socket in this folder has a path that the kernel and libpq can take."""
    name = os.fsencode(folder / f".s.PGSQL.{PORT}")
    return len(name) <= LONGEST_SOCKET and not set(name) & set(b',"')


def _is_private(folder: Path) -> bool:
    try:
        found = folder.lstat()
    except OSError:
        return False
    return (
        found.st_uid == os.geteuid()
        and stat.S_ISDIR(found.st_mode)
        and not found.st_mode & 0o077
    )


def _environment() -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith("PG")}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}


def _flush(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def _trouble(folder: Path, output: bytes) -> Trouble:
    text = output.decode(errors="replace").strip()
    if "No space left on device" in text:
        return Trouble(f"The disk that holds {folder} is full.")
    said = [
        line
        for line in text.splitlines()
        if "FATAL" in line or "error:" in line or "DETAIL" in line
    ]
    return Trouble(
        f"Postgres does not start in {folder}: {' '.join(said or text.splitlines()[-3:])}"
    )


def _say(answer: dict[str, object]) -> None:
    os.write(1, json.dumps(answer).encode() + b"\n")
    os.dup2(2, 1)


def main() -> NoReturn:
    """Read the job (a JSON object in the first argument), answer in one line, stay."""
    job = json.loads(sys.argv[1])
    if os.fork():
        os._exit(0)
    folder = Path(job["folder"])
    try:
        keeper = Keeper(folder, Path(job["binaries"]), job["settings"], job["wait"])
        log = os.open(folder / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(log, 2)
        home, recovered = keeper.begin()
        _say({"socket": home, "recovered": recovered})
        keeper.keep()
    except Busy:
        _say({"busy": True})
    except Trouble as trouble:
        _say({"trouble": str(trouble)})
    except OSError as error:
        _say({"trouble": f"{error.strerror}: {error.filename or folder}", "errno": error.errno})
    os._exit(0)


if __name__ == "__main__":
    main()
