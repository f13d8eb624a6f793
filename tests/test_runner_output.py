"""What a step writes is masked however it is cut up, capped, and kept for those who may read the store."""

from __future__ import annotations

import os
import stat
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loom_tui.runner import output
from loom_tui.runner.children import Children, StillAtWork
from loom_tui.runner.output import Output, open_beneath
from loom_tui.store.place import output_path

SECRET = "hunter2-ü-0123456789"


def written(path: Path, *parts: bytes) -> tuple[str, Output]:
    path.unlink(missing_ok=True)
    with Output(path, [SECRET], {"SOME_TOKEN": "tok-4711-abc"}) as kept:
        for part in parts:
            kept.write(part)
    return path.read_text(), kept


@given(cuts=st.lists(st.integers(0, 200), max_size=8), before=st.sampled_from(["", "a", "line\n", "x" * 50]))
def test_a_secret_is_masked_wherever_the_parts_are_cut(tmp_path_factory, cuts, before):
    body = f"{before}{SECRET} and {SECRET}\ntok-4711-abc{before}".encode()
    edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    path = tmp_path_factory.getbasetemp() / "out" / "1-1.log"
    text, kept = written(path, *(body[start:end] for start, end in pairwise(edges)))
    assert text == f"{before}•••• and ••••\n••••{before}"
    assert kept.tail == text.strip()
    assert kept.size_bytes == len(body)


@given(cuts=st.lists(st.integers(0, 60), max_size=8), words=st.lists(st.sampled_from([b"!", b"w\n"]), min_size=9))
def test_a_secret_is_masked_whatever_the_other_stream_says_between_its_halves(tmp_path_factory, cuts, words):
    body = f"{SECRET} and {SECRET}\n".encode()
    edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    for swapped in (False, True):
        path = tmp_path_factory.getbasetemp() / "both" / "1-1.log"
        path.unlink(missing_ok=True)
        with Output(path, [SECRET], {}) as kept:
            one, other = (kept.complain, kept.write) if swapped else (kept.write, kept.complain)
            for (start, end), word in zip(pairwise(edges), words, strict=False):
                one(body[start:end])
                other(word)
        assert "•••• and ••••\n" in path.read_text()
        assert not any(SECRET[at : at + 5] in path.read_text() for at in range(len(SECRET) - 4))


def test_neither_stream_shows_half_a_secret_once_there_is_too_much_of_both(tmp_path, monkeypatch):
    monkeypatch.setattr(output, "MAX_BYTES", 10_000)
    path = tmp_path / "a" / "1.log"
    with Output(path, [SECRET], {}) as kept:
        kept.write(SECRET.encode()[:9])  # held back, when the other fills what there is room for
        kept.complain(b"line\n" * 2500)
        kept.write(SECRET.encode()[9:])
        kept.complain(SECRET.encode()[:9])
        kept.write(b" said")
        kept.complain(SECRET.encode()[9:] + b" complained")
    assert path.read_text().endswith("•••• said\nline\n" + "line\n" * 499 + "•••• complained")
    assert kept.tail.endswith("•••• complained")


def test_what_lies_past_the_cap_in_the_last_part_is_told_too(tmp_path, monkeypatch):
    monkeypatch.setattr(output, "MAX_BYTES", 1001)
    text, kept = written(tmp_path / "a" / "1.log", "ü\n".encode() * 400 + b"the end\n", b"held")
    assert text.count("ü") == 400
    assert "1,212 bytes in all; only the first 1,001 are kept. They ended:\n" in text
    assert kept.tail.endswith("the end\nheld")


def test_a_secret_is_masked_in_a_line_without_an_end(tmp_path):
    parts = [b"x" * 5000, SECRET.encode()[:7], SECRET.encode()[7:], b"y" * 5000]
    text, _ = written(tmp_path / "a" / "1.log", *parts)
    assert text == f"{'x' * 5000}••••{'y' * 5000}"


def test_bytes_that_are_no_text_do_no_harm(tmp_path):
    text, _ = written(tmp_path / "a" / "1.log", b"\xff\xfe\x00 ok", "ü".encode()[:1], "ü".encode()[1:])
    assert text == "\ufffd\ufffd\x00 okü"


def test_what_is_too_much_keeps_its_beginning_and_its_end(tmp_path, monkeypatch):
    monkeypatch.setattr(output, "MAX_BYTES", 10_000)
    text, kept = written(tmp_path / "a" / "1.log", *[b"line %05d\n" % n for n in range(3000)], SECRET.encode())
    assert text.startswith("line 00000\n")
    assert "33,021 bytes in all; only the first 10,000 are kept" in text
    assert text.endswith("line 02999\n••••")
    assert kept.tail.endswith("line 02999\n••••")
    assert len(text) < 20_000


@pytest.mark.parametrize("place", range(0, 40, 3))
def test_no_half_of_a_secret_is_left_where_what_is_too_much_was_cut(tmp_path, monkeypatch, place):
    monkeypatch.setattr(output, "MAX_BYTES", 10_000)
    secret = b"supersecret-0123456789-abcdefghij"
    for after in (b"z" * (output._END_BYTES - place), b"z" * (8000 - place)):
        path = tmp_path / "a" / "1.log"
        path.unlink(missing_ok=True)
        with Output(path, [secret.decode()], {}) as kept:
            kept.write(b"line\n" * 2500)
            kept.write(secret + after)
        assert not any(secret[at : at + 5].decode() in path.read_text() for at in range(len(secret) - 4))


@pytest.mark.parametrize("before", [b"", b"line\n"])
def test_a_secret_that_lies_across_the_cap_is_masked_on_either_side(tmp_path, monkeypatch, before):
    monkeypatch.setattr(output, "MAX_BYTES", 10_000)
    first, last = SECRET.encode()[:9], SECRET.encode()[9:]  # cut through a letter of two bytes
    text, kept = written(tmp_path / "a" / "1.log", b"x" * 20_000 + before + first, last + b" after")
    assert "hunter2" not in text + kept.tail
    assert "0123456789" not in text + kept.tail
    assert text.count("x") <= 10_000 + 4 * output.TAIL_CHARACTERS
    assert text.endswith("•••• after")


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\n    "])
def test_a_key_of_several_lines_is_masked_as_programs_tell_it(tmp_path, end):
    key = "-----BEGIN PRIVATE KEY-----\nMIIEabcdefgh12345678\nsecond+line/99999999\n-----END PRIVATE KEY-----\n"
    path = tmp_path / "a" / "1.log"
    for parts in ([line.encode() + end for line in key.split("\n")], [end.join(key.encode().split(b"\n"))]):
        path.unlink(missing_ok=True)
        with Output(path, [key], {}) as kept:
            for part in parts:
                kept.write(part)
        assert not {"MIIE", "second", "PRIVATE"} & set(path.read_text().replace("+", " ").split())
        assert "abcdefgh" not in path.read_text() + kept.tail


SHORT = "-----BEGIN KEY-----\nMIIEabcdefgh12345678\nab+/c=\n-----END KEY-----"  # a line that is not known by itself


@pytest.mark.parametrize("secret", ["hunter2\npw12", "\nhunter2\n\npw12\n", SHORT, f"{SHORT}\n"])
@given(
    cuts=st.lists(st.integers(0, 200), max_size=8),
    said=st.lists(st.sampled_from([None, None, "hunter2\n", "a\n", "x: ", "\n", "-----BEGIN KEY-----\n"]), max_size=6),
)
def test_a_secret_of_several_lines_is_masked_written_in_parts_as_it_is_written_at_once(
    tmp_path_factory, secret, cuts, said
):
    body = "".join(secret if each is None else each for each in said).encode()
    edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    path = tmp_path_factory.getbasetemp() / "lines" / "1-1.log"
    texts = []
    for parts in ([body], [body[start:end] for start, end in pairwise(edges)], body.splitlines(keepends=True)):
        path.unlink(missing_ok=True)
        with Output(path, [secret], {}) as kept:
            for part in parts:
                kept.write(part)
        texts.append(path.read_text())
    assert texts[0] == texts[1] == texts[2]
    whole = secret.encode() in body
    assert not whole or "••••" in texts[0]


def test_a_line_that_is_no_line_of_a_secret_waits_for_no_other(tmp_path):
    path = tmp_path / "a" / "1.log"
    with Output(path, [SHORT], {}) as kept:
        kept.write(b"one\n-----BEGIN KEY-----\n")
        assert path.read_text() == "one\n"
        kept.write(b"none\n")
        assert path.read_text() == "one\n••••\nnone\n"


@pytest.mark.parametrize(("mode", "wanted"), [(0o700, 0o600), (0o2770, 0o660)])
def test_its_file_is_for_those_who_may_read_the_store(tmp_path, mode, wanted):
    store = tmp_path / "room"
    store.mkdir()
    store.chmod(mode)
    path = output_path(store, 12, step=0, started=1)
    written(path, b"a")
    assert path == store / "actions" / "12" / "1-1.log"
    assert stat.S_IMODE(path.stat().st_mode) == wanted
    assert stat.S_IMODE(path.parent.stat().st_mode) == mode


def shared(place: Path) -> Path:
    store = place / "room"
    store.mkdir()
    store.chmod(0o2770)
    return store


def test_whoever_shares_a_room_can_take_over_what_another_users_runner_made(tmp_path):
    store = shared(tmp_path)
    before = os.umask(0o077)
    try:
        with Children(store, 7).lock():
            assert stat.S_IMODE((store / "actions" / "7.lock").stat().st_mode) == 0o660
        os.close(open_beneath(store / "actions" / "7" / "runner.log", os.O_WRONLY | os.O_APPEND))
    finally:
        os.umask(before)
    assert stat.S_IMODE((store / "actions" / "7" / "runner.log").stat().st_mode) == 0o660


@pytest.mark.parametrize("name", ["actions/12/1-1.log", "actions/12", "actions"])
def test_a_link_in_the_store_leads_no_runner_elsewhere(tmp_path, name):
    store = shared(tmp_path)
    elsewhere = tmp_path / "elsewhere"
    if name.endswith(".log"):
        elsewhere.write_text("mine\n")
        elsewhere.chmod(0o600)
    else:
        elsewhere.mkdir()
    (store / name).parent.mkdir(parents=True, exist_ok=True)
    (store / name).symlink_to(elsewhere)
    with Output(output_path(store, 12, step=0, started=1), [SECRET], {}) as kept:
        kept.write(b"done")
    assert kept.tail == "done"  # which is what the journal keeps
    if elsewhere.is_dir():
        assert not list(elsewhere.iterdir())
    else:
        assert (elsewhere.read_text(), stat.S_IMODE(elsewhere.stat().st_mode)) == ("mine\n", 0o600)


def test_a_lock_that_cannot_be_taken_starts_nothing_and_says_why(tmp_path):
    store = shared(tmp_path)
    (store / "actions").mkdir()
    (store / "actions" / "7.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StillAtWork, match="cannot be told"), Children(store, 7).lock():
        pass
    assert Children(store, 7).is_locked()
    assert not (tmp_path / "elsewhere").exists()
