"""A small coaching platform on loopback, for tests of workflows: accounts, sessions, one-time codes, roles, mail.

`broken` names what it gets wrong; each of the eight workflows of Sprint 07 meets one of them.
"""

from __future__ import annotations

import asyncio
import smtplib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http.cookies import SimpleCookie
from secrets import token_urlsafe
from time import time
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import msgspec

from loom_tui.sources.steps.totp import totp
from tests.mailroom import message

PASSWORD = "correct-horse-4711-secret"
TOTP_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
PEOPLE = {"client@loom.example": "client", "coach@loom.example": "coach", "admin@loom.example": "admin"}
JSON = "application/json"


class Request(NamedTuple):
    """A request as the handlers see it. `who` is the signed-in person's address, "" for nobody."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    who: str

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body or b"null")


class Reply(NamedTuple):
    """What a handler answers."""

    status: int
    body: Any = None
    headers: tuple[tuple[str, str], ...] = ()
    kind: str = JSON


class Coaching:
    """The platform: its people, and what they have done."""

    def __init__(self, smtp_port: int = 0) -> None:
        self.url = ""
        self.broken = ""
        self.seen: list[Request] = []
        self.smtp_port = smtp_port
        self.tokens: dict[str, str] = {}  # of sessions, by person
        self._passwords = dict.fromkeys(PEOPLE, PASSWORD)
        self._roles = dict(PEOPLE)
        self._unverified: dict[str, str] = {}
        self.challenges: dict[str, str] = {}
        self._coaches: dict[str, str] = {}
        self._bookings: dict[str, dict[str, Any]] = {}
        self._journal: list[tuple[str, str]] = []
        self.csrf = token_urlsafe()
        self._settings: dict[str, str] = {}
        self._routes: dict[tuple[str, str], Callable[[Request], Reply | Awaitable[Reply]]] = {
            ("POST", "/api/register"): self._register,
            ("GET", "/verify"): self._verify,
            ("POST", "/api/sign-in"): self._sign_in,
            ("POST", "/api/mfa"): self._mfa,
            ("GET", "/api/me"): self._me,
            ("POST", "/api/coaches"): self._apply,
            ("POST", "/api/coaches/approve"): self._approve,
            ("GET", "/api/coaches"): lambda _: Reply(
                200, [{"email": e, "status": s} for e, s in self._coaches.items()]
            ),
            ("GET", "/api/slots"): lambda _: Reply(
                200, {"slots": [{"id": 7, "coach": "Ada"}, {"id": 8, "coach": "Bo"}]}
            ),
            ("POST", "/api/bookings"): self._book,
            ("DELETE", "/api/bookings"): self._cancel,
            ("GET", "/api/resources"): self._resources,
            ("GET", "/download"): lambda _: Reply(302, headers=(("location", "/files/breathing.pdf"),)),
            ("GET", "/files/breathing.pdf"): lambda _: Reply(200, b"%PDF-1.7 breathe", kind="application/pdf"),
            ("POST", "/api/journal"): self._write,
            ("GET", "/api/journal"): self._read,
            ("GET", "/admin"): self._dashboard,
            ("POST", "/admin/settings"): self._set,
            ("GET", "/api/admin/users"): self._users,
        }

    async def answer(self, request: Request) -> Reply:
        """Answer one request."""
        self.seen.append(request)
        if self.broken == "echo" and request.path != "/api/sign-in":  # as careless servers do
            return Reply(500, str(request).encode(), kind="text/plain")
        handler = self._routes.get((request.method, request.path))
        if handler is None:
            return Reply(404, {"error": "no such page"})
        reply = handler(request)
        return reply if isinstance(reply, Reply) else await reply

    def _session(self, email: str, *, status: int = 200) -> Reply:
        token = token_urlsafe()
        self.tokens[token] = email
        body = {"access_token": token, "user": {"email": email, "role": self._roles[email]}}
        return Reply(status, body, (("set-cookie", f"sid={token}; Path=/; HttpOnly"),))

    async def _register(self, request: Request) -> Reply:
        email, password = request.json["email"], request.json["password"]
        if email in self._roles:
            return Reply(409, {"error": "this address is taken", "password": password})
        self._roles[email], self._passwords[email] = "client", password
        token = token_urlsafe()
        self._unverified[email] = token
        link = f"{self.url}/verify?token={token}"
        if self.broken != "no mail":
            letter = message(
                email, "Verify your address", "Welcome.", html=f'<a href="{link}&amp;from=mail">Verify</a>'
            )
            await asyncio.to_thread(self._send, letter)
        return Reply(201, {"id": len(self._roles), "status": "unverified"})

    def _send(self, letter: Any) -> None:
        with smtplib.SMTP("127.0.0.1", self.smtp_port, timeout=10) as smtp:
            smtp.send_message(letter)

    def _verify(self, request: Request) -> Reply:
        for email, token in self._unverified.items():
            if token == request.query.get("token"):
                del self._unverified[email]
                return Reply(200, b"<h1>Your address is verified</h1>", kind="text/html")
        return Reply(410, b"<h1>This link is used up</h1>", kind="text/html")

    def _sign_in(self, request: Request) -> Reply:
        email, password = request.json["email"], request.json["password"]
        if self._passwords.get(email) != password:
            return Reply(401, {"error": f"wrong password for {email}"})
        if email in self._unverified:
            return Reply(403, {"error": "verify your address first"})
        if self._roles[email] == "client" or request.json.get("mfa") is False:
            return self._session(email)
        challenge = token_urlsafe()
        self.challenges[challenge] = email
        return Reply(200, {"challenge": challenge, "mfa": "totp"})

    def _mfa(self, request: Request) -> Reply:
        email = self.challenges.pop(request.json["challenge"], "")
        codes = [totp(TOTP_SECRET, now=time() - late) for late in (0, 30)]
        if not email or request.json["code"] not in codes or self.broken == "codes are refused":
            return Reply(401, {"error": "the code is wrong", "otp": request.json["code"]})
        return self._session(email)

    def _me(self, request: Request) -> Reply:
        return Reply(200, {"email": request.who, "role": self._roles[request.who]}) if request.who else Reply(401, {})

    def _apply(self, request: Request) -> Reply:
        if not request.who:
            return Reply(401, {})
        self._coaches[request.who] = "pending"
        return Reply(201, {"status": "pending"})

    def _approve(self, request: Request) -> Reply:
        if self._roles.get(request.who) != "admin":
            return Reply(403, {})
        if self.broken != "approval is lost":
            self._coaches[request.json["email"]] = "approved"
        return Reply(200, {"status": "approved"})

    def _book(self, request: Request) -> Reply:
        if not request.who:
            return Reply(401, {})
        slot = request.json["slot"]
        if self.broken == "double bookings" or any(each["slot"] == slot for each in self._bookings.values()):
            return Reply(409, {"error": "this slot is taken"})
        booking = {"id": token_urlsafe(6), "slot": slot, "confirmed": True}
        self._bookings[booking["id"]] = booking
        return Reply(201, booking, (("location", f"/api/bookings?id={booking['id']}"),))

    def _cancel(self, request: Request) -> Reply:
        return Reply(204 if self._bookings.pop(request.query["id"], None) else 404)

    def _resources(self, _: Request) -> Reply:
        names = (
            ["Breathing", "Journaling"] if self.broken == "a resource is lost" else ["Breathing", "Journaling", "Sleep"]
        )
        return Reply(200, {"resources": [{"name": name, "free": name == "Breathing"} for name in names]})

    def _write(self, request: Request) -> Reply:
        self._journal.append((request.who, request.json["text"]))
        return Reply(201, {"entries": len(self._journal)})

    def _read(self, request: Request) -> Reply:
        leaks = self.broken == "journals leak"
        return Reply(200, [{"text": text} for who, text in self._journal if leaks or who == request.who])

    def _dashboard(self, request: Request) -> Reply:
        if self._roles.get(request.who) != "admin":
            return Reply(403, b"<h1>Forbidden</h1>", kind="text/html")
        csrf = "" if self.broken == "no csrf" else f'<input name="csrf" value="{self.csrf}">'
        return Reply(200, f"<h1>Dashboard</h1><form>{csrf}</form>".encode(), kind="text/html; charset=utf-8")

    def _set(self, request: Request) -> Reply:
        form = dict(parse_qsl(request.body.decode()))
        if form.pop("csrf", "") != self.csrf:
            return Reply(403, {"error": "no csrf token"})
        self._settings |= form
        return Reply(303, headers=(("location", "/admin"),))

    def _users(self, request: Request) -> Reply:
        if not request.who:
            return Reply(401, {})
        allowed = self._roles[request.who] == "admin" or (self.broken == "clients see users")
        return Reply(200, sorted(self._roles)) if allowed else Reply(403, {"error": "admins only"})


@asynccontextmanager
async def coaching(smtp_port: int = 0) -> AsyncIterator[Coaching]:
    """Serve the platform on a free loopback port."""
    app = Coaching(smtp_port)
    tasks: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        try:
            while True:
                reply = await app.answer(await _request(reader, app))
                writer.write(_bytes_of(reply))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    listener = await asyncio.start_server(talk, "127.0.0.1", 0)
    app.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    try:
        yield app
    finally:
        listener.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _request(reader: asyncio.StreamReader, app: Coaching) -> Request:
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip().split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    parts = urlsplit(target)
    cookies = SimpleCookie(headers.get("cookie", ""))
    token = headers.get("authorization", "").removeprefix("Bearer ") or (
        cookies["sid"].value if "sid" in cookies else ""
    )
    who = app.tokens.get(token, "")
    return Request(method, parts.path, dict(parse_qsl(parts.query)), headers, body, who)


def _bytes_of(reply: Reply) -> bytes:
    body = (
        reply.body if isinstance(reply.body, bytes) else b"" if reply.body is None else msgspec.json.encode(reply.body)
    )
    headers = (("content-type", reply.kind), ("content-length", str(len(body))), *reply.headers)
    head = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"HTTP/1.1 {reply.status} Status\r\n{head}\r\n".encode() + body
