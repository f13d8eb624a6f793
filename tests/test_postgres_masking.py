"""Statements as they are shown: no literal, no comment, and what was cut short tells nothing either."""

from __future__ import annotations

import pytest

from loom_tui.sources.postgres.masking import masked


@pytest.mark.parametrize(
    ("statement", "shown"),
    [
        ("select * from client where name = 'Ana' and age > 41", "select * from client where name = ? and age > ?"),
        ("select 'it''s', E'a\\'b', $$x$$, $tag$ y $$ z $tag$, 1.5e-3, 0x1F", "select ?, ?, ?, ?, ?, ?"),
        ("select U&'d\\0061t', B'101', N'n', '\\'", "select ?, ?, ?, ?"),
        ("select $1, t1.c2 from t1 limit $2", "select $1, t1.c2 from t1 limit $2"),
        ('select "it\'s" from "a--b" -- secret\n where x = 1', 'select "it\'s" from "a--b" where x = ?'),
        ("alter role x password 'planted'", "alter role x password ?"),
        ("select 1 /* user=ana */ + 2", "select ? + ?"),
        ("insert into t values ('cut short", "insert into t values (?"),
        ("select $body$ cut short", "select ?"),
        ("select 1 /* cut short", "select ?"),
        ("select\n\t 1", "select ?"),
        ("", ""),
    ],
)
def test_no_literal_and_no_comment_is_shown(statement, shown):
    assert masked(statement) == shown


def test_a_long_statement_is_cut():
    assert len(masked("select " + "a, " * 100_000)) == 501


def test_hostile_text_is_masked_in_reasonable_time():
    for text in ("'" * 50_000, "$" * 50_000, "/*" * 50_000, '"' * 50_000, "e'\\" * 50_000, "1" * 50_000, "$a" * 50_000):
        assert len(masked(text)) <= 501
