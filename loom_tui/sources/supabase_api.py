"""A Supabase project's HTTP interfaces, asked as a visitor's browser would."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec
from msgspec import Struct

from loom_tui.plan.sources.supabase import Signup, SupabaseSource
from loom_tui.room.checks import Step
from loom_tui.room.signals import State
from loom_tui.sources.base import SourceError, SourceLimited, SourceTimeout
from loom_tui.sources.mask import LOOKED_THROUGH, Mask, Masked
from loom_tui.sources.redirects import is_own
from loom_tui.sources.tokens import ApiKey, KeyKind, recognise
from loom_tui.sources.web import Answer, Web

SHOWN_CHARACTERS = 300
AT_ONCE = 4  # tables asked for at the same time
DAY_S = 86_400.0
EXPIRY_SOON_DAYS = 30.0
NO_RIGHT = "42501"  # PostgreSQL's insufficient_privilege, as PostgREST passes it on
NO_TABLE = ("PGRST205", "42P01")


class _Health(Struct):
    version: str
    name: str


class _Settings(Struct):
    disable_signup: bool
    external: dict[str, bool]
    mailer_autoconfirm: bool | None = None


class Api:
    """One project's HTTP interfaces. Each method gives the steps of one check. Raises SourceError."""

    def __init__(self, source: SupabaseSource, key: Masked, *, name: str, mask: Mask) -> None:
        self._source = source
        self._name = name
        self._key = key
        self._mask = mask
        self._base = source.url.rstrip("/")
        self._web = Web(name, timeout_s=source.timeout_s)

    def rest_s(self) -> float:
        """Give the rest that they asked for."""
        return self._web.rest_s()

    async def close(self) -> None:
        """Close the connections."""
        await self._web.close()

    async def auth(self) -> list[Step]:
        """Ask whether the auth server is there."""
        path = "/auth/v1/health"
        answer = await self._get(path)
        state, detail = _refusal(answer) or (State.OK, "")
        if state is State.OK:
            health = _decoded(answer, _Health)
            known = health is not None and health.name == "GoTrue"
            state = State.OK if known else State.UNKNOWN
            detail = f"GoTrue {health.version}"[:60] if health is not None and known else "the answer is not GoTrue's"
        return [self._step("health", path, answer, state, detail)]

    async def settings(self) -> list[Step]:
        """Hold the auth settings against the plan's words."""
        path = "/auth/v1/settings"
        answer = await self._get(path)
        refusal = _refusal(answer)
        if refusal is not None:
            return [self._step("settings", path, answer, *refusal)]
        found = _decoded(answer, _Settings)
        if found is None:
            detail = "the answer is not the auth server's settings"
            return [self._step("settings", path, answer, State.UNKNOWN, detail)]
        judged = (("sign-up", _signup), ("providers", _providers), ("e-mail confirmation", _confirmation))
        return [
            Step(name=name, state=state, detail=detail, sent=f"GET {path}", duration_ms=answer.latency_ms)
            for name, judge in judged
            for state, detail in [judge(found, self._source)]
        ]

    async def storage(self) -> list[Step]:
        """Ask whether storage is there: it answers 200 and nothing else."""
        path = "/storage/v1/status"
        answer = await self._get(path)
        state, detail = _refusal(answer) or (State.OK, "responds")
        if state is State.OK and answer.body.strip():
            state, detail = State.UNKNOWN, "the answer is not storage's, which is empty"
        return [self._step("status", path, answer, state, detail)]

    async def private(self) -> list[Step]:
        """Try to read a row of each private table as a visitor could."""
        key = recognise(self._key.reveal())
        if key is not None and key.is_service:
            why = "the key is a service key, which row-level security does not bind; nothing was asked with it"
            return [Step(name="anon key", state=State.UNKNOWN, detail=why)]
        gate = asyncio.Semaphore(AT_ONCE)

        async def ask(table: str) -> Step:
            async with gate:
                return await self._table(table)

        try:
            async with asyncio.timeout(self._source.timeout_s):
                return list(await asyncio.gather(*map(ask, self._source.private_tables)))
        except TimeoutError:
            count, timeout_s = len(self._source.private_tables), self._source.timeout_s
            raise SourceTimeout(f"{self._name} did not answer for {count} tables within {timeout_s:g} s") from None

    async def _table(self, table: str) -> Step:
        schema, _, name = table.rpartition(".")
        path = f"/rest/v1/{quote(name)}?select=*&limit=1"
        try:
            answer = await self._get(path, {"accept-profile": schema} if schema else {})
        except SourceLimited:
            raise
        except SourceError as error:
            return Step(name=table, state=State.UNKNOWN, detail=str(error), sent=f"GET {path}")
        state, detail = _exposure(answer)
        got = self._shown(answer) if state is not State.BAD else f"{answer.status}, a row"  # never somebody's data
        return Step(name=table, state=state, detail=detail, sent=f"GET {path}", got=got, duration_ms=answer.latency_ms)

    async def _get(self, path: str, more: Mapping[str, str] = {}) -> Answer:
        """Ask as supabase-js does: the key as apikey, and as bearer too where it is a JWT. Raises SourceError."""
        secret = self._key.reveal()
        key = recognise(secret)
        bearer = {"authorization": f"Bearer {secret}"} if key is None or key.kind is KeyKind.JWT else {}
        answer = await self._web.get(f"{self._base}{path}", headers={"apikey": secret, **bearer, **more})
        if answer.url and not is_own(answer.url, self._base):
            raise SourceError(
                f"{self._name} was redirected to {answer.url[:SHOWN_CHARACTERS]}, which is not the project"
            )
        if answer.status == 429 or (answer.status == 503 and "retry-after" in answer.headers):
            self._web.expect_ok(answer)
        return answer

    def _step(self, name: str, path: str, answer: Answer, state: State, detail: str) -> Step:
        return Step(
            name=name,
            state=state,
            detail=detail,
            sent=f"GET {path}",
            got=self._shown(answer),
            duration_ms=answer.latency_ms,
        )

    def _shown(self, answer: Answer) -> str:
        said = self._mask.hide(answer.body[:LOOKED_THROUGH].decode("utf-8", "replace"))[:SHOWN_CHARACTERS]
        return f"{answer.status}\n{said}".strip()


def key_steps(source: SupabaseSource, anon: Masked, service: Masked | None, *, now: float) -> list[Step]:
    """Recognise the keys by their form, without asking anybody."""
    steps = [_key_step("anon key", recognise(anon.reveal()), source, now, public=True)]
    if service is not None:
        steps.append(_key_step("service key", recognise(service.reveal()), source, now, public=False))
        if service.reveal() == anon.reveal():
            steps.append(Step(name="service key", state=State.BAD, detail="is the same as the anon key"))
    return steps


def _key_step(name: str, key: ApiKey | None, source: SupabaseSource, now: float, *, public: bool) -> Step:
    if key is None:
        detail = "is no Supabase key: neither a JWT, nor sb_publishable_…, nor sb_secret_…"
        return Step(name=name, state=State.UNKNOWN, detail=detail)
    kind = f"{key.kind}, role {key.role}" if key.kind is KeyKind.JWT else str(key.kind)
    host = urlsplit(source.url).hostname or ""
    hosted = host.removesuffix(".supabase.co") if host.endswith(".supabase.co") else ""
    faults = []
    if public and key.is_service:
        faults.append(f"is a service key ({kind}): whoever has it reads and writes everything; put the anon key here")
    elif public and not key.is_public:
        faults.append(f"is no anon key ({kind})")
    if not public and not key.is_service:
        faults.append(f"is no service key ({kind})")
    if key.project and hosted and key.project != hosted:
        faults.append(f"belongs to project {key.project}, and the plan's url is that of {hosted}")
    days = None if key.expires_at is None else (key.expires_at - now) / DAY_S
    if days is not None and days <= 0:
        faults.append(f"expired {-days:.0f} days ago")
    soon = f", expires in {days:.0f} days" if days is not None and 0 < days < EXPIRY_SOON_DAYS else ""
    return Step(name=name, state=State.BAD if faults else State.OK, detail="; ".join(faults) or f"{kind}{soon}")


def _refusal(answer: Answer) -> tuple[State, str] | None:
    """Say what a status other than 2xx means; None for one that is well."""
    status = answer.status
    if 200 <= status < 300:
        return None
    if status in (401, 403):
        return State.BAD, f"the anon key was refused ({status})"
    if status == 404:
        return State.BAD, "there is nothing at this address (404); the plan's url may be wrong"
    return State.BAD, f"answered {status}"


def _exposure(answer: Answer) -> tuple[State, str]:
    """Say whether a visitor saw a row. No row may also be an empty table: the catalogue's check tells them apart."""
    body = _json(answer)
    if answer.status in (200, 206) and isinstance(body, list):
        return (State.BAD, "a visitor can read its rows") if body else (State.OK, "a visitor sees no row")
    code = body.get("code") if isinstance(body, dict) else None
    if answer.status in (401, 403) and code == NO_RIGHT:
        return State.OK, "a visitor has no right to it"
    if answer.status == 404 and code in NO_TABLE:
        return State.UNKNOWN, "the API knows no such table: is its name right, and its schema exposed?"
    if answer.status in (200, 206):
        return State.UNKNOWN, "the answer holds no rows that can be read"
    return State.UNKNOWN, (_refusal(answer) or (State.UNKNOWN, ""))[1]


def _signup(found: _Settings, source: SupabaseSource) -> tuple[State, str]:
    actual = Signup.CLOSED if found.disable_signup else Signup.OPEN
    if source.signup in (Signup.ANY, actual):
        return State.OK, f"is {actual}"
    return State.BAD, f"is {actual}, the plan wants it {source.signup}"


def _providers(found: _Settings, source: SupabaseSource) -> tuple[State, str]:
    enabled = sorted(name for name, on in found.external.items() if on)
    listed = ", ".join(enabled) or "none"
    if source.providers is None:
        return State.OK, listed
    missing = sorted(set(source.providers) - set(enabled))
    strange = sorted(set(enabled) - set(source.providers))
    faults = [f"{', '.join(missing)} not enabled"] * bool(missing)
    faults += [f"{', '.join(strange)} enabled, which the plan does not name"] * bool(strange)
    return (State.BAD, "; ".join(faults)) if faults else (State.OK, listed)


def _confirmation(found: _Settings, source: SupabaseSource) -> tuple[State, str]:
    confirmed = None if found.mailer_autoconfirm is None else not found.mailer_autoconfirm
    if confirmed is None:
        state = State.OK if source.confirm_email is None else State.UNKNOWN
        return state, "the settings do not speak of it"
    says = "addresses are confirmed by mail" if confirmed else "addresses are taken without a mail"
    if source.confirm_email in (None, confirmed):
        return State.OK, says
    return State.BAD, f"{says}, the plan wants it otherwise"


def _decoded(answer: Answer, kind: type[Any]) -> Any:
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _json(answer: Answer) -> Any:
    return _decoded(answer, Any)
