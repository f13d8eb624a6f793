"""The SQL of a migration taken apart by sqlglot's parser of PostgreSQL; what that cannot read is known by its words.

sqlglot knows the statements that change tables; of others (ALTER TYPE, DO, policies) it keeps the words alone.
pglast has PostgreSQL's own grammar, and a licence (GPL) that Loom cannot take on.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

from msgspec import Struct
from sqlglot import ErrorLevel, Token, TokenType, exp
from sqlglot.dialects.postgres import Postgres
from sqlglot.errors import SqlglotError

_DIALECT = Postgres()
logging.getLogger("sqlglot").setLevel(logging.ERROR)  # it warns of each statement that it keeps as words


class Statement(Struct, frozen=True):
    """One statement: its first line, its words in capitals, and its tree; None where the parser refuses it."""

    line: int
    words: tuple[str, ...]
    texts: tuple[str, ...]  # the words as written
    tree: exp.Expr | None


class Unreadable(Exception):
    """Not even words are to be had: an open quote, or an open comment."""


def statements(sql: str) -> Iterator[Statement]:
    """Take a migration apart. Raises Unreadable."""
    for tokens in _split(tokenized(sql)):
        texts = tuple(token.text for token in tokens)
        yield Statement(tokens[0].line, tuple(text.upper() for text in texts), texts, _parsed(tokens, sql))


def tokenized(sql: str) -> list[Token]:
    """Read a text's words; comments and blanks are none. Raises Unreadable."""
    try:
        return _DIALECT.tokenize(sql)
    except (SqlglotError, RecursionError, ValueError) as error:
        raise Unreadable(str(error)) from None


def _split(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    statement: list[Token] = []
    for token in tokens:
        if token.token_type is TokenType.SEMICOLON:
            if statement:
                yield statement
            statement = []
        else:
            statement.append(token)
    if statement:
        yield statement


def _parsed(tokens: list[Token], sql: str) -> exp.Expr | None:
    try:
        trees = _DIALECT.parser(error_level=ErrorLevel.RAISE).parse(tokens, sql)
    except (SqlglotError, RecursionError):
        return None
    return trees[0] if trees else None
