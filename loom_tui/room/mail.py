"""What a room asks of the collector beyond readings, and what comes back: mail, not state."""

import msgspec
from msgspec import Struct


class Reply(Struct, frozen=True, kw_only=True):
    """An answer: `body` is JSON of the question's own type, or `why` says in a sentence why there is none."""

    body: msgspec.Raw = msgspec.Raw(b"null")
    why: str = ""


_DECODER: msgspec.json.Decoder[Reply] = msgspec.json.Decoder(Reply)


def encode_reply(reply: Reply) -> str:
    """Write a reply as a request's answer."""
    return msgspec.json.encode(reply).decode()


def decode_reply(text: str) -> Reply:
    """Read a request's answer; one of another version's making is told as that."""
    try:
        return _DECODER.decode(text)
    except msgspec.DecodeError:
        return Reply(why="The collector is of another version of Loom; leave all rooms and open them anew")
