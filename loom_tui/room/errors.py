"""What an error tracker knows, decoded at the edge and stripped of secrets there. Times are Unix seconds, UTC."""

from msgspec import Struct


class ErrorIssue(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An error as a tracker groups it. An empty level, and a `handled` of None, are not known."""

    id: str
    short_id: str
    title: str
    culprit: str = ""
    level: str = "error"  # fatal, error, warning, info, debug
    substatus: str = "ongoing"  # new, regressed, escalating, ongoing
    handled: bool | None = None
    count: int = 0
    users: int | None = None
    first_seen: float | None = None
    last_seen: float | None = None
    release: str = ""
    environment: str = ""
    url: str = ""
    per_hour: tuple[int | None, ...] = ()  # newest last; None where the server left a hole


class Listing(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The errors that were read, newest last seen first. `total` counts all there are, None where nobody says."""

    issues: tuple[ErrorIssue, ...]
    complete: bool = True
    total: int | None = None

    @property
    def extent(self) -> str:
        """Say how much of it was read; empty for all."""
        if self.complete:
            return ""
        return f"first {len(self.issues):,} of {f'{self.total:,}' if self.total is not None else 'more'}"


class ReleaseHealth(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How many sessions and users of a release met no crash (percent). None: none were counted."""

    release: str
    sessions: int = 0
    users: int = 0
    crash_free_sessions: float | None = None
    crash_free_users: float | None = None


class Frame(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One frame of a stack trace. Its local variables are never taken."""

    function: str
    file: str = ""
    line: int | None = None
    in_app: bool = False
    source: str = ""  # the line of code itself


class Thrown(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One exception of a chain; the frames begin with the innermost."""

    type: str
    value: str = ""
    handled: bool | None = None
    frames: tuple[Frame, ...] = ()


class Crumb(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What happened before."""

    at: float | None = None
    category: str = ""
    level: str = ""
    message: str = ""


class Requested(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The HTTP request during which it happened: no cookies, no credentials, no body."""

    method: str = ""
    url: str = ""
    headers: tuple[tuple[str, str], ...] = ()


class ErrorEvent(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The latest event of an error. `thrown` begins with the outermost exception; crumbs end with the newest."""

    id: str
    title: str
    at: float | None = None
    message: str = ""
    level: str = ""
    release: str = ""
    environment: str = ""
    thrown: tuple[Thrown, ...] = ()
    crumbs: tuple[Crumb, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    request: Requested | None = None


class ErrorWord(Struct, frozen=True):
    """What somebody said of an error, when."""

    by: str
    at: float
    text: str = ""


class ErrorStanding(Struct, frozen=True, kw_only=True):
    """What people said of an error, by the journal; `blocking` keeps it in the gate's way until somebody lifts it."""

    title: str = ""
    acknowledged: ErrorWord | None = None
    blocking: ErrorWord | None = None
    notes: tuple[ErrorWord, ...] = ()
