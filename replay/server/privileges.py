"""Whom Postgres runs as, for it refuses root.  Standard library only, like the keeper."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import stat
from pathlib import Path

CLONE_NEWUSER = 0x10000000  # linux/sched.h


class Trouble(Exception):
    """What is wrong, in a sentence."""


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
    for parent in (*reversed(folder.parents), folder, *reversed(binaries.parents), binaries):
        if not os.access(parent, os.X_OK):
            raise _closed(parent, pwd.getpwuid(os.geteuid()).pw_name)


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
    for place in (folder, binaries / "postgres"):
        for parent in place.parents:
            if not parent.stat().st_mode & stat.S_IXOTH:
                raise _closed(parent, nobody.pw_name)
    for place in (folder, *folder.rglob("*")):
        os.chown(place, nobody.pw_uid, nobody.pw_gid, follow_symlinks=False)


def _closed(folder: Path, user: str) -> Trouble:
    return Trouble(
        f"Postgres would run as {user}, for it refuses root, and {user} may not pass through"
        f" {folder}. Choose a folder that all may pass through, or start as an ordinary user."
    )


def _drop_to(user: int, group: int) -> None:
    os.setgroups([])
    os.setgid(group)
    os.setuid(user)
