"""A message as mail, handed to an SMTP server. Before its content was sent whole nothing has happened."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate

import aiosmtplib

from loom_tui.plan.channels import EmailChannel
from loom_tui.room.acting import Outcome
from loom_tui.room.messages import Message
from loom_tui.sources.base import SourceAnswered, SourceRefused, SourceTimeout, SourceUnreachable
from loom_tui.sources.mask import Masked
from loom_tui.sources.scene import Ended, Scene

LEAVE_S = 1.0


def mail_of(channel: EmailChannel, message: Message) -> EmailMessage:
    """Make the mail. The message's key and the journal's head make its id: a server that gets it twice can tell.

    Raises SourceUnreachable for a subject that would smuggle in a header.
    """
    if not message.subject.isprintable():
        raise SourceUnreachable("A subject with a line break or another control is sent to nobody")
    mail = EmailMessage(policy=SMTP.clone(cte_type="7bit"))
    mail["From"], mail["To"], mail["Subject"] = channel.sender, ", ".join(channel.to), message.subject
    mail["Message-ID"] = f"<{message.key}.{message.seq}@{channel.sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.whole)
    return mail


def written(channel: EmailChannel, message: Message, credentials: Mapping[str, Masked]) -> str:
    """Write the mail as it would be handed over."""
    login = f", as {channel.user} {credentials['password'].reveal()}" if "password" in credentials else ""
    where = f"SMTP {channel.server}:{channel.number} {channel.tls}{login}"
    headers = "\n".join(f"{key}: {value}" for key, value in mail_of(channel, message).items())
    return f"{where}\n{headers}\n\n{message.whole}"


async def send(channel: EmailChannel, message: Message, scene: Scene, *, within_s: float) -> Ended:
    """Hand it over. Raises SourceError where nothing was sent."""
    mail = mail_of(channel, message)
    mail["Date"] = formatdate(localtime=False)
    client = aiosmtplib.SMTP(
        hostname=channel.server,
        port=channel.number,
        local_hostname=socket.gethostname(),
        timeout=channel.timeout_s,
        use_tls=channel.tls == "tls",
        start_tls=channel.tls == "starttls",
        tls_context=ssl.create_default_context(),
    )
    handing = False
    try:
        async with asyncio.timeout(min(within_s, channel.timeout_s)):
            refused = await _introduce(client, channel, scene)
            handing = True
            response = await client.data(mail.as_bytes())
        await _leave(client)
        if refused:
            return Ended(Outcome.FAILED, f"sent, but not to {'; '.join(refused)}")
        return Ended(Outcome.OK, f"{response.code} {response.message}")
    except (TimeoutError, aiosmtplib.SMTPTimeoutError):
        words = f"{channel.server} did not answer within {channel.timeout_s:g} s"
        if handing:
            return Ended(Outcome.UNKNOWN, f"{words}: it may have been sent")
        raise SourceTimeout(words) from None
    except aiosmtplib.SMTPConnectError:
        where = f"{channel.server}:{channel.number}"
        raise SourceUnreachable(f"{where} cannot be reached, or speaks no {channel.tls}") from None
    except (aiosmtplib.SMTPServerDisconnected, OSError) as error:
        words = f"{channel.server} broke off"
        if handing:
            return Ended(Outcome.UNKNOWN, f"{words} in the middle: it may have been sent")
        tls = isinstance(error, ssl.SSLError)
        raise SourceUnreachable(f"{channel.server}'s certificate does not hold" if tls else words) from None
    except aiosmtplib.SMTPException as error:
        raise _translated(error, channel) from None
    finally:
        with suppress(aiosmtplib.SMTPException, TimeoutError):
            client.close()


async def _leave(client: aiosmtplib.SMTP) -> None:
    """Say goodbye: the server has the mail, and what goes wrong now is nothing."""
    with suppress(aiosmtplib.SMTPException, OSError):  # a TimeoutError is one
        async with asyncio.timeout(LEAVE_S):
            await client.quit()


async def _introduce(client: aiosmtplib.SMTP, channel: EmailChannel, scene: Scene) -> list[str]:
    """Connect, log in and name the people; gives those that the server refuses, unless it refuses all."""
    await client.connect()
    if channel.password is not None:
        await client.login(channel.user, scene.credentials["password"].reveal())
    await client.mail(channel.sender)
    refused = []
    for address in channel.to:
        try:
            await client.rcpt(address)
        except aiosmtplib.SMTPRecipientRefused as error:
            refused.append(f"{address}: {error.code} {error.message}")
    if len(refused) == len(channel.to):
        raise SourceRefused(f"{channel.server} takes nothing for {'; '.join(refused)}")
    return refused


def _translated(error: aiosmtplib.SMTPException, channel: EmailChannel) -> Exception:
    match error:
        case aiosmtplib.SMTPAuthenticationError():
            return SourceRefused(f"{channel.server} refused the password of {channel.user} ({error.code})")
        case aiosmtplib.SMTPResponseException():
            return SourceAnswered(f"{channel.server} answered {error.code} {error.message}")
        case _:
            return SourceUnreachable(f"{channel.server} cannot be used: {error}")
