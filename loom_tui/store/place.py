"""Where a room's files lie, and whether that place is safe.

A private store is a directory of its user's alone (0700, files 0600). A shared one belongs to a group (2770,
files 0660), and whoever is in that group may have made it. What others could write is refused: who can replace a
store can forge a go. Nothing that exists is ever chmod-ed here.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from msgspec import Struct
from platformdirs import user_state_dir

from loom_tui.store.base import StoreError, StoreFull, StoreRefused


class Place(Struct, frozen=True):
    """A room's directory, and the group that shares it (None: private)."""

    directory: Path
    gid: int | None = None

    @property
    def file_mode(self) -> int:
        """The mode of each file in it."""
        return 0o600 if self.gid is None else 0o660


def output_path(store_directory: Path, action: int, *, step: int, started: int) -> Path:
    """Name the file of a step's output; `started` counts from 1 how often it began."""
    return output_directory(store_directory, action) / f"{step + 1}-{started}.log"


def output_directory(store_directory: Path, action: int) -> Path:
    """Name the directory of an action's output."""
    return actions_directory(store_directory) / str(action)


def actions_directory(store_directory: Path) -> Path:
    """Name the directory in which runners keep what actions' steps write, and rooms read it."""
    return store_directory / "actions"


def default_directory(environ: Mapping[str, str]) -> Path:
    """Give the user's state directory for Loom; it need not exist yet."""
    home = environ.get("XDG_STATE_HOME", "")
    return Path(home) / "loom" if home.startswith("/") else Path(user_state_dir("loom", appauthor=False))


def room_name(plan_id: str) -> str:
    """Name a plan's sub-directory: readable, safe for any id, and different for different ids."""
    words = re.sub(r"[^a-z0-9]+", "-", plan_id.lower()).strip("-")[:40].strip("-") or "plan"
    return f"{words}-{sha256(plan_id.encode('utf-8', 'surrogatepass')).hexdigest()[:10]}"


def prepare(directory: Path, *, plan_id: str, group: str | None, create: bool) -> Place:
    """Make (where `create`) and check a room's directory. Raises StoreRefused, StoreFull."""
    room = directory.absolute() / room_name(plan_id)
    with os_errors(room):
        if (directory / "journal.db").exists():
            raise StoreRefused(
                f"{directory} is the store of one room itself, and no other is kept in it. "
                f"Name the directory of all rooms: {directory.absolute().parent}"
            )
        gid = None if group is None else _gid(group)
        place = Place(room, gid)
        if create and not room.is_dir():
            directory.parent.mkdir(parents=True, exist_ok=True)
            for path in (directory, room):
                _make(path, gid)
        if directory.exists():
            _check_directory(directory, gid, parent=True)
        if room.exists():
            _check_directory(room, gid, parent=False)
    return place


def check_file(path: Path, place: Place) -> None:
    """Refuse a file that is not a plain one of ours. Raises StoreRefused."""
    with os_errors(path):
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            raise StoreRefused(f"{path} is not a plain file: a store lies in files of its own. Move it away.")
        _check_owner_and_mode(path, status, place.gid, others_root=False)
        if not os.access(path, os.R_OK | os.W_OK):
            raise StoreRefused(f"{path} may not be read and written by this user. Ask {_owner(status)} for access.")


def make_file(path: Path, place: Place) -> None:
    """Make an empty file with the room's mode, whatever the umask. Raises FileExistsError.

    SQLite gives its -wal and -shm files the mode of the database beside them, past the umask as well.
    """
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        if place.gid is not None:
            os.fchown(handle, -1, place.gid)
        os.fchmod(handle, place.file_mode)
    finally:
        os.close(handle)


def sync_directory(directory: Path) -> None:
    """Make a new file's name survive a power cut."""
    handle = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def os_errors(path: Path) -> Iterator[None]:
    """Turn the system's refusals into a store's."""
    try:
        yield
    except (PermissionError, NotADirectoryError) as error:
        raise StoreRefused(f"{path} cannot be used as a store: {error.strerror} ({error.filename}).") from error
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            raise StoreFull(f"the disk under {path} is full. Free some space; nothing was lost.") from error
        raise StoreError(f"{path} cannot be used as a store: {error.strerror or error}.") from error


def _gid(group: str) -> int:
    import grp  # noqa: PLC0415  (POSIX only; a private store does without it)

    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        raise StoreRefused(f"there is no group {group!r} on this host: name one that the room's users share.") from None


def _make(path: Path, gid: int | None) -> None:
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        return  # also when another process was quicker; the checks come next
    if gid is not None:
        os.chown(path, -1, gid)
        path.chmod(0o2770)
    sync_directory(path.parent)


def _check_directory(path: Path, gid: int | None, *, parent: bool) -> None:
    status = path.stat()
    if not stat.S_ISDIR(status.st_mode):
        raise StoreRefused(f"{path} is not a directory: a store needs one. Move the file away or name another place.")
    if parent and status.st_mode & stat.S_ISVTX:
        return  # sticky, like /tmp: others may add to it, but not replace the room's own directory
    _check_owner_and_mode(path, status, gid, others_root=parent)


def _check_owner_and_mode(path: Path, status: os.stat_result, gid: int | None, *, others_root: bool) -> None:
    if status.st_mode & stat.S_IWOTH:
        raise StoreRefused(
            f"{path} can be written by everybody on this host, so nothing in it can be trusted. chmod o-w it."
        )
    if gid is not None:
        if status.st_gid == gid or (others_root and not status.st_mode & stat.S_IWGRP):
            return
        raise StoreRefused(
            f"{path} does not belong to the group that shares this room. chgrp it, or name another place."
        )
    if status.st_uid != os.geteuid() and not (others_root and status.st_uid == 0):
        raise StoreRefused(
            f"{path} belongs to {_owner(status)}. Open it as that user, or share a room through a group's directory."
        )
    if status.st_mode & stat.S_IWGRP:
        raise StoreRefused(
            f"{path} can be written by its group. chmod g-w it, "
            "or name the group in the plan's store settings to share the room."
        )


def _owner(status: os.stat_result) -> str:
    import pwd  # noqa: PLC0415  (POSIX only, and only for a refusal)

    try:
        return pwd.getpwuid(status.st_uid).pw_name
    except KeyError:
        return f"user {status.st_uid}"
