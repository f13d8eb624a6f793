"""A host: what its name resolves to, and how long its certificate still holds."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Sequence
from time import perf_counter

from loom_tui.files import read_file
from loom_tui.plan.sources.host import HostSource
from loom_tui.room.checks import Step
from loom_tui.room.signals import Reading, State
from loom_tui.sources.base import Asker, CredentialMissing, Errand
from loom_tui.sources.checked import checked

DAY_S = 86_400.0


def make(source: HostSource, errand: Errand) -> HostAsker:
    """Make an asker. Raises CredentialMissing where the named authority's file cannot be read."""
    try:
        path = errand.directory / source.ca_file
        context = _trusting(read_file(path)) if source.ca_file else ssl.create_default_context()
    except (ssl.SSLError, ValueError):
        raise CredentialMissing(f"The certificate authority's file {source.ca_file} holds no certificate") from None
    except OSError as error:
        why = error.strerror
        raise CredentialMissing(f"The certificate authority's file {source.ca_file} cannot be read: {why}") from None
    return HostAsker(source, context, errand)


def _trusting(authority: bytes) -> ssl.SSLContext:
    """Trust one authority alone. Raises SSLError or ValueError where there is none in it."""
    if not authority.strip():  # which ssl would take for the system's
        raise ValueError("empty")
    return ssl.create_default_context(cadata=authority.decode("ascii"))


class HostAsker(Asker):
    """Asks the resolver for a name, and the host for its certificate."""

    def __init__(self, source: HostSource, context: ssl.SSLContext, errand: Errand) -> None:
        self._source = source
        self._context = context
        self._errand = errand

    async def ask(self) -> Sequence[Reading]:
        """Ask once. A name that is none and a certificate that does not hold are bad readings, not errors."""
        began = perf_counter()
        name = await self._name()
        readings = [checked(self._errand, ".dns", [name], detail=name.detail, duration_ms=name.duration_ms)]
        steps = [name]
        if self._source.tls:
            certificate, days = await self._certificate()
            steps.append(certificate)
            duration_ms = certificate.duration_ms
            readings.append(
                checked(self._errand, ".tls", [certificate], detail=certificate.detail, duration_ms=duration_ms)
            )
            known = State.OK if days is not None else State.UNKNOWN
            readings.append(self._errand.reading(".tls_days", state=known, value=days, detail=certificate.detail))
        detail = " · ".join(step.detail for step in steps)
        whole = checked(self._errand, "", steps, detail=detail, duration_ms=(perf_counter() - began) * 1000)
        return [whole, *readings]

    async def _name(self) -> Step:
        """Resolve the name within the deadline."""
        began = perf_counter()
        state, detail, got = await self._resolved()
        return Step(
            name="name",
            state=state,
            detail=detail,
            sent=f"resolve {self._source.host}",
            got=got,
            duration_ms=(perf_counter() - began) * 1000,
        )

    async def _resolved(self) -> tuple[State, str, str]:
        source = self._source
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(source.timeout_s):
                found = await loop.getaddrinfo(source.host, source.port, type=socket.SOCK_STREAM)
        except TimeoutError:
            return State.UNKNOWN, f"the resolver did not answer within {source.timeout_s:g} s", ""
        except socket.gaierror as error:
            if error.errno == socket.EAI_NONAME:
                return State.BAD, f"there is no such name as {source.host}", ""
            return State.UNKNOWN, f"the resolver cannot say: {error.strerror}", ""
        except UnicodeError:
            return State.BAD, f"{source.host} cannot be a host's name", ""
        addresses = sorted({str(entry[4][0]) for entry in found})
        listed = ", ".join(addresses)
        strange = sorted(set(addresses) - set(source.addresses)) if source.addresses else []
        if strange:
            return State.BAD, f"resolves to {', '.join(strange)}, which the plan does not name", listed
        return State.OK, f"resolves to {listed}", listed

    async def _certificate(self) -> tuple[Step, float | None]:
        """Shake hands within the deadline; gives what to say of the certificate, and its days left."""
        source = self._source
        began = perf_counter()
        not_after = ""
        try:
            async with asyncio.timeout(source.timeout_s):
                not_after = await self._handshake()
            days = (ssl.cert_time_to_seconds(not_after) - self._errand.clock()) / DAY_S
            state, detail = self._judged(days)
        except TimeoutError:
            state, detail, days = State.UNKNOWN, f"no handshake within {source.timeout_s:g} s", None
        except ssl.SSLCertVerificationError as error:
            state, detail, days = State.BAD, f"does not hold: {error.verify_message or 'it was not accepted'}", None
        except ssl.SSLError as error:
            refused = "ALERT" in (error.reason or "")
            what = "refused the handshake" if refused else "speaks no TLS"
            state, detail, days = State.BAD, f"{source.host}:{source.port} {what}", None
        except OSError as error:
            said: dict[type[OSError], str] = {
                ConnectionRefusedError: "it was refused",
                ConnectionResetError: "it was broken off",
            }
            why = said.get(type(error)) or error.strerror or type(error).__name__
            state, detail, days = State.UNKNOWN, f"no connection to {source.host}:{source.port}: {why}", None
        except ValueError:
            state, detail, days = State.UNKNOWN, "the certificate does not say when it ends", None
        step = Step(
            name="certificate",
            state=state,
            detail=detail,
            sent=f"TLS handshake with {source.host}:{source.port}",
            got=f"valid until {not_after}" if not_after else "",
            duration_ms=(perf_counter() - began) * 1000,
        )
        return step, days

    async def _handshake(self) -> str:
        """Connect, and give the end of the certificate's validity as OpenSSL writes it."""
        _, writer = await asyncio.open_connection(self._source.host, self._source.port, ssl=self._context)
        try:
            certificate = writer.get_extra_info("peercert") or {}
            return str(certificate.get("notAfter", ""))
        finally:
            writer.transport.abort()  # nothing was said that a close would have to wait for

    def _judged(self, days: float) -> tuple[State, str]:
        left = f"{max(0.0, days):.0f} days left"
        if days < self._source.certificate_bad_days:
            return State.BAD, f"{left}; renew it now"
        if days < self._source.certificate_soon_days:
            return State.OK, f"{left}: renew it soon"
        return State.OK, left
