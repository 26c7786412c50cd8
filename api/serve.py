"""Serving a utility over HTTP: the port first, then the database, then whoever asks."""

from __future__ import annotations

import errno
import fcntl
import logging
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from types import FrameType

import uvicorn

from api.app import create_app
from api.auth import BadSecret
from api.pulse import Pulse
from api.reacting import reacting
from api.settings import Settings
from api.system import NotRebuilt, System, notarised, opened, review, running
from projections.kit.versions import TablesAreNewer
from replay.server.folder import NoDatabase, claim
from replay.store.history import HistoryBroken, Unavailable
from replay.store.migrations import FolderIsNewer, Migrated

log = logging.getLogger("wattledger.serve")

BACKLOG = 1024
PATIENCE = 15  # seconds for requests under way to be answered when told to stop
FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


class AlreadyServed(Exception):
    """Somebody serves from this data folder; the message says what to do."""


class PortTaken(Exception):
    """The port cannot be had; the message says why and what to do."""


def run(settings: Settings, first: Callable[[System], None] = lambda _: None) -> None:
    """
    Serve until SIGINT or SIGTERM, after `first` was done with the system.

    Exits with 1 and a sentence when that is not possible.
    """
    logging.basicConfig(level=settings.log.upper(), format=FORMAT)
    signal.signal(signal.SIGTERM, _stop)
    try:
        with (
            closing(bound(settings.host, settings.port)) as listener,
            alone(settings),
            opened(settings) as it,
        ):
            if it.history.broken is not None:
                raise it.history.broken
            first(it)
            serve(it, listener)
    except (
        PortTaken,
        AlreadyServed,
        NoDatabase,
        Unavailable,
        BadSecret,
        FolderIsNewer,
        HistoryBroken,
        TablesAreNewer,
        Migrated,
        NotRebuilt,
    ) as wrong:
        sys.exit(str(wrong) or wrong.__doc__)
    except KeyboardInterrupt:
        sys.exit("Stopped before it served.")


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """
    Be the one server of a data folder; with a database of yours there may be many.

    Whoever holds the lock and dies lets it go.  Raises AlreadyServed.
    """
    if settings.database_url is not None:
        yield
        return
    folder = claim(settings.data_dir)
    with (folder / "serving.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as held:
            raise AlreadyServed(
                f"Another server serves from {folder}; stop it, or take another folder with"
                " --data. (Commands of `wattledger` may share a folder with a server.)"
            ) from held
        yield


def _stop(*_: object) -> None:
    """Told to stop while there is nothing to serve yet: unwind."""
    raise KeyboardInterrupt


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens: whoever connects waits until we serve.  Raises PortTaken."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as wrong:
        raise PortTaken(f"{host} is no address to serve on: {wrong.strerror}") from wrong
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as wrong:
        listener.close()
        raise PortTaken(_why(wrong, host, port)) from wrong
    return listener


def _why(wrong: OSError, host: str, port: int) -> str:
    match wrong.errno:
        case errno.EADDRINUSE:
            why = "somebody else serves there; stop them, or take another port with --port"
        case errno.EACCES:
            why = "ports below 1024 are not for everybody; take another with --port"
        case _:
            why = wrong.strerror or str(wrong)
    return f"Port {port} of {host} cannot be had: {why}."


def serve(system: System, listener: socket.socket) -> None:
    """
    Serve a system on a socket until told to stop.

    What was answered is durable, and what is under way is answered before this returns.
    """
    if system.recovered:
        log.warning("%s", system.recovered)
    app = create_app(system)
    config = uvicorn.Config(
        app,
        loop="uvloop" if sys.platform != "win32" else "auto",
        http="httptools",
        ws="auto",
        log_config=None,
        log_level="debug" if system.settings.log == "debug" else "warning",
        access_log=system.settings.access_log,
        timeout_graceful_shutdown=PATIENCE,
        server_header=False,
        proxy_headers=False,
        backlog=BACKLOG,
        lifespan="off",
    )
    host, port = listener.getsockname()[:2]
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    denials = running("denials", app.state.denials.run)
    wrong = running("review", review(system).run)
    with notarised(system), reacting(system), denials, wrong:
        Server(config, app.state.pulse, url).run(sockets=[listener])
    log.info("stopped; what was answered is recorded")


class Server(uvicorn.Server):
    """
    Uvicorn, which when told to stop also ends the streams that never end by themselves.

    It does not send itself the signal again afterwards, as uvicorn does: more must be closed.
    """

    def __init__(self, config: uvicorn.Config, pulse: Pulse, url: str) -> None:
        super().__init__(config)
        self._pulse, self._url = pulse, url

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Say that we serve once we do: from here on a signal ends us gracefully."""
        await super().startup(sockets)
        log.info("serving on %s", self._url)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Told to stop; told twice by Ctrl-C, stop without waiting for anybody."""
        del frame
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True
        self._pulse.stop()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop, by whichever way it was told."""
        self._pulse.stop()
        await super().shutdown(sockets)
