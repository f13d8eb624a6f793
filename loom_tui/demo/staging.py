"""The coaching platform as staging serves it: accounts, sessions, one-time codes, roles, bookings, journals, mail.

It does what the eight critical workflows of Sprint 07 want of such an application. `broken` names what it gets wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from secrets import token_urlsafe
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from loom_tui.demo.mailbox import Letter
from loom_tui.demo.services import Answer, Request
from loom_tui.sources.steps.totp import totp

PEOPLE = {"client@loom.example": "client", "coach@loom.example": "coach", "admin@loom.example": "admin"}
SLOTS = ({"id": 7, "coach": "Ada"}, {"id": 8, "coach": "Bo"})
RESOURCES = ("Breathing", "Journaling", "Sleep")
HTML = "text/html; charset=utf-8"


class Staging:
    """The platform: its people, who have one password, and what they have done."""

    def __init__(self, *, password: str, totp_secret: str, deliver: Callable[[Letter], object]) -> None:
        self.broken = ""
        self.tokens: dict[str, str] = {}  # of sessions, with the person's address
        self.challenges: dict[str, str] = {}
        self.csrf = token_urlsafe()
        self._totp_secret = totp_secret
        self._deliver = deliver
        self._passwords = dict.fromkeys(PEOPLE, password)
        self._roles = dict(PEOPLE)
        self._unverified: dict[str, str] = {}
        self._coaches: dict[str, str] = {}
        self._bookings: dict[str, dict[str, Any]] = {}
        self._journal: list[tuple[str, str]] = []
        self._routes: dict[tuple[str, str], Callable[[Request, float], Answer]] = {
            ("POST", "/api/register"): self._register,
            ("GET", "/verify"): self._verify,
            ("POST", "/api/sign-in"): self._sign_in,
            ("POST", "/api/mfa"): self._mfa,
            ("GET", "/api/me"): self._me,
            ("POST", "/api/coaches"): self._apply,
            ("POST", "/api/coaches/approve"): self._approve,
            ("GET", "/api/coaches"): self._list_coaches,
            ("GET", "/api/slots"): lambda *_: Answer(body={"slots": SLOTS}),
            ("POST", "/api/bookings"): self._book,
            ("DELETE", "/api/bookings"): self._cancel,
            ("GET", "/api/resources"): self._resources,
            ("GET", "/download"): lambda *_: Answer(status=302, headers={"location": "/files/breathing.pdf"}),
            ("GET", "/files/breathing.pdf"): lambda *_: Answer(body=b"%PDF-1.7 breathe", kind="application/pdf"),
            ("POST", "/api/journal"): self._write,
            ("GET", "/api/journal"): self._read,
            ("GET", "/admin"): self._dashboard,
            ("POST", "/admin/settings"): self._set,
            ("GET", "/api/admin/users"): self._users,
        }

    def answer(self, request: Request, now: float) -> Answer:
        """Answer one request."""
        handler = self._routes.get((request.method, request.path))
        if handler is None:
            return Answer(status=404, body={"error": "no such page"})
        try:
            return handler(request, now)
        except (msgspec.DecodeError, KeyError, TypeError) as error:
            return Answer(status=400, body={"error": f"not what this page takes: {type(error).__name__}"})

    def _who(self, request: Request) -> str:
        """Give the signed-in person's address; "" for nobody."""
        token = request.bearer
        if not token:
            try:
                cookie = SimpleCookie(request.headers.get("cookie", "")).get("sid")
            except CookieError:
                cookie = None
            token = cookie.value if cookie is not None else ""
        return self.tokens.get(token, "")

    def _role(self, request: Request) -> str:
        return self._roles.get(self._who(request), "")

    def _session(self, email: str) -> Answer:
        token = token_urlsafe()
        self.tokens[token] = email
        body = {"access_token": token, "user": {"email": email, "role": self._roles[email]}}
        return Answer(body=body, headers={"set-cookie": f"sid={token}; Path=/; HttpOnly"})

    def _register(self, request: Request, _: float) -> Answer:
        asked = msgspec.json.decode(request.body)
        email, password = asked["email"], asked["password"]
        if email in self._roles:
            return Answer(status=409, body={"error": "this address is taken", "password": password})
        self._roles[email], self._passwords[email] = "client", password
        token = token_urlsafe()
        self._unverified[email] = token
        if self.broken != "no mail":
            link = f'<a href="{request.base}/verify?token={token}&amp;from=mail">Verify</a>'
            self._deliver(Letter(to=email, subject="Verify your address", html=link))
        return Answer(status=201, body={"id": len(self._roles), "status": "unverified"})

    def _verify(self, request: Request, _: float) -> Answer:
        for email, token in tuple(self._unverified.items()):
            if token == request.query.get("token"):
                del self._unverified[email]
                return Answer(body=b"<h1>Your address is verified</h1>", kind=HTML)
        return Answer(status=410, body=b"<h1>This link is used up</h1>", kind=HTML)

    def _sign_in(self, request: Request, _: float) -> Answer:
        asked = msgspec.json.decode(request.body)
        email = asked["email"]
        if self._passwords.get(email) != asked["password"]:
            return Answer(status=401, body={"error": f"wrong password for {email}"})
        if email in self._unverified:
            return Answer(status=403, body={"error": "verify your address first"})
        if self._roles[email] == "client" or asked.get("mfa") is False:
            return self._session(email)
        challenge = token_urlsafe()
        self.challenges[challenge] = email
        return Answer(body={"challenge": challenge, "mfa": "totp"})

    def _mfa(self, request: Request, now: float) -> Answer:
        asked = msgspec.json.decode(request.body)
        email = self.challenges.pop(asked["challenge"], "")
        codes = [totp(self._totp_secret, now=now - late) for late in (0, 30)]
        if not email or asked["code"] not in codes or self.broken == "codes are refused":
            return Answer(status=401, body={"error": "the code is wrong", "otp": asked["code"]})
        return self._session(email)

    def _me(self, request: Request, _: float) -> Answer:
        who = self._who(request)
        return Answer(body={"email": who, "role": self._roles[who]}) if who else Answer(status=401, body={})

    def _apply(self, request: Request, _: float) -> Answer:
        who = self._who(request)
        if not who:
            return Answer(status=401, body={})
        self._coaches[who] = "pending"
        return Answer(status=201, body={"status": "pending"})

    def _approve(self, request: Request, _: float) -> Answer:
        if self._role(request) != "admin":
            return Answer(status=403, body={})
        if self.broken != "approval is lost":
            self._coaches[msgspec.json.decode(request.body)["email"]] = "approved"
        return Answer(body={"status": "approved"})

    def _list_coaches(self, _: Request, __: float) -> Answer:
        return Answer(body=[{"email": email, "status": status} for email, status in self._coaches.items()])

    def _book(self, request: Request, _: float) -> Answer:
        if not self._who(request):
            return Answer(status=401, body={})
        slot = msgspec.json.decode(request.body)["slot"]
        if self.broken == "double bookings" or any(each["slot"] == slot for each in self._bookings.values()):
            return Answer(status=409, body={"error": "this slot is taken"})
        booking = {"id": token_urlsafe(6), "slot": slot, "confirmed": True}
        self._bookings[booking["id"]] = booking
        return Answer(status=201, body=booking, headers={"location": f"/api/bookings?id={booking['id']}"})

    def _cancel(self, request: Request, _: float) -> Answer:
        return Answer(status=204 if self._bookings.pop(request.query["id"], None) else 404)

    def _resources(self, _: Request, __: float) -> Answer:
        names = RESOURCES[:-1] if self.broken == "a resource is lost" else RESOURCES
        return Answer(body={"resources": [{"name": name, "free": name == "Breathing"} for name in names]})

    def _write(self, request: Request, _: float) -> Answer:
        self._journal.append((self._who(request), msgspec.json.decode(request.body)["text"]))
        return Answer(status=201, body={"entries": len(self._journal)})

    def _read(self, request: Request, _: float) -> Answer:
        who, leaks = self._who(request), self.broken == "journals leak"
        return Answer(body=[{"text": text} for author, text in self._journal if leaks or author == who])

    def _dashboard(self, request: Request, _: float) -> Answer:
        if self._role(request) != "admin":
            return Answer(status=403, body=b"<h1>Forbidden</h1>", kind=HTML)
        csrf = "" if self.broken == "no csrf" else f'<input name="csrf" value="{self.csrf}">'
        return Answer(body=f"<h1>Dashboard</h1><form>{csrf}</form>".encode(), kind=HTML)

    def _set(self, request: Request, _: float) -> Answer:
        if dict(parse_qsl(request.body.decode())).get("csrf", "") != self.csrf:
            return Answer(status=403, body={"error": "no csrf token"})
        return Answer(status=303, headers={"location": "/admin"})

    def _users(self, request: Request, _: float) -> Answer:
        if not self._who(request):
            return Answer(status=401, body={})
        allowed = self._role(request) == "admin" or self.broken == "clients see users"
        return Answer(body=sorted(self._roles)) if allowed else Answer(status=403, body={"error": "admins only"})
