"""What in a migration a version from before it may not stand. It brings the parser: for the study's own process.

Suspicions, not proofs: what they say is in the text; what it does to an older version nobody has tried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct
from sqlglot import exp

from loom_tui.sources.migrations.statements import Statement, Unreadable, statements
from loom_tui.sources.migrations.studied import Deed, Studied
from loom_tui.sources.migrations.types import ColumnType

MAX_PARSED = 1_000_000  # characters: a dump of data would hold the parser for minutes


class _Typed(Struct, frozen=True):
    """A column is of a type from here on; `what` where it was of another one."""

    column: str
    type: ColumnType
    what: str = ""


_Found = str | _Typed


def study(sql: str) -> Studied:
    """Study one migration's text."""
    if len(sql) > MAX_PARSED:
        return unread(f"is too long to be read ({len(sql):,} characters)")
    try:
        all_of_it = list(statements(sql))
    except Unreadable:
        return unread("cannot be read: an open quote, or what only PostgreSQL reads")
    new = {made for statement in all_of_it if (made := _made(statement))}  # no older version knows it
    deeds = [_deed(statement.line, found) for statement in all_of_it for found in _finds(statement, new)]
    indexes = [name for statement in all_of_it if (name := _index(statement.tree))]
    return Studied(tuple(deeds), tuple(indexes))


def unread(what: str) -> Studied:
    """Say of a text that it was not studied, and why."""
    return Studied((Deed(line=1, what=what),))


def _deed(line: int, found: _Found) -> Deed:
    return Deed(line, found) if isinstance(found, str) else Deed(line, found.what, found.column, found.type)


def _finds(statement: Statement, new: set[str]) -> Iterator[_Found]:
    tree = statement.tree
    if tree is None or isinstance(tree, exp.Command | exp.Condition | exp.Alias):
        yield from _doubts_of_words(statement, new)
    elif isinstance(tree, exp.Create):
        yield from _columns(tree)
    elif isinstance(tree, exp.Drop):
        kind = str(tree.args["kind"])
        if kind in _MISSED:
            yield from (f"drops {kind.lower()} {name}" for name in _names(tree.args["tables"]) if name not in new)
    elif isinstance(tree, exp.Alter):
        yield from _alter(tree, new)
    elif isinstance(tree, exp.Revoke):
        yield f"revokes rights on {_name(tree.args.get('securable'))}"
    elif isinstance(tree, exp.TruncateTable | exp.Delete):
        tables = tree.expressions if isinstance(tree, exp.TruncateTable) else [tree.this]
        yield from (f"removes rows of {name}" for name in _names(tables) if name not in new)


def _alter(tree: exp.Alter, new: set[str]) -> Iterator[_Found]:
    table, kind = _name(tree.this), str(tree.args["kind"]).lower()
    if table in new or kind == "index":
        return
    for action in tree.args["actions"]:
        if isinstance(action, exp.ColumnDef):
            yield from _column(table, action)
            if _must_be_given(action):
                yield f"adds column {table}.{action.name}, which must be given"
        elif isinstance(action, exp.Drop) and action.args["kind"] == "COLUMN":
            yield from (f"drops column {table}.{name}" for name in _names(action.args["tables"]))
        elif isinstance(action, exp.RenameColumn):
            yield f"renames column {table}.{action.this.name} to {_name(action.args['to'])}"
        elif isinstance(action, exp.AlterRename):
            others = tree.args.get("options")
            old = f"column {table}.{action.this.name}" if others else f"{kind} {table}"
            yield f"renames {old} to {_name(others[0].this if others else action.this)}"
        elif isinstance(action, exp.AlterColumn):
            yield from _alter_column(f"{table}.{action.name}", action)
        elif isinstance(action, exp.AddConstraint):
            yield f"adds a constraint to {table}, which may refuse what an older version writes"


def _alter_column(name: str, action: exp.AlterColumn) -> Iterator[_Found]:
    new = action.args.get("dtype")
    if new is not None:
        becomes = _type(new)
        yield _Typed(name, becomes, f"makes {name} {becomes.sql}")
    elif action.args.get("allow_null") is False:
        yield f"demands a value for {name}"
    elif action.args.get("drop") and action.args.get("allow_null") is None:
        yield f"takes the default of {name} away"


def _columns(tree: exp.Create) -> Iterator[_Found]:
    if isinstance(tree.this, exp.Schema):
        for column in tree.this.expressions:
            if isinstance(column, exp.ColumnDef):
                yield from _column(_name(tree.this.this), column)


def _column(table: str, column: exp.ColumnDef) -> Iterator[_Found]:
    kind = column.args.get("kind")
    if kind is not None:
        yield _Typed(f"{table}.{column.name}", _type(kind))


def _type(node: exp.Expr) -> ColumnType:
    sizes = node.expressions
    return ColumnType(
        kind=node.this.name if isinstance(node.this, exp.DType) else "",
        sql=node.sql("postgres").lower(),
        length=int(sizes[0].name) if sizes and sizes[0].name.isdecimal() else None,
        bounded=bool(sizes),
    )


_MISSED = frozenset({"TABLE", "VIEW", "SCHEMA", "TYPE", "FUNCTION", "PROCEDURE", "SEQUENCE", "DOMAIN"})
_GIVEN_BY_ITSELF = (
    exp.DefaultColumnConstraint,
    exp.GeneratedAsIdentityColumnConstraint,
    exp.GeneratedAsRowColumnConstraint,
    exp.ComputedColumnConstraint,
)
_SERIAL = (exp.DType.SERIAL, exp.DType.BIGSERIAL, exp.DType.SMALLSERIAL)


def _name(node: exp.Expr | None) -> str:
    """Write a name as people say it: "client", "coaching.client"; `public` is left out, as most files do."""
    if node is None:
        return "?"
    schema, name = node.text("db"), node.name
    return f"{schema}.{name}" if schema not in ("", "public") and name else name or schema


def _names(nodes: Sequence[exp.Expr]) -> list[str]:
    return [_name(node) for node in nodes]


def _made(statement: Statement) -> str:
    """Give the name of what a statement makes; what is dropped and made again in one file is not missed after it."""
    tree = statement.tree
    if isinstance(tree, exp.Create):
        made = tree.this.this if isinstance(tree.this, exp.Schema | exp.UserDefinedFunction) else tree.this
        return _name(made) if isinstance(made, exp.Table) else ""
    return _named_after(statement, _KINDS) if statement.words[0] == "CREATE" else ""


_KINDS = ("POLICY", "FUNCTION", "PROCEDURE", "VIEW", "TYPE", "DOMAIN", "TRIGGER")


def _named_after(statement: Statement, kinds: Sequence[str]) -> str:
    """Give the name that follows a kind's word in a statement that was not parsed: "public . f (" is f."""
    for place, word in enumerate(statement.words[:6]):
        if word in kinds:
            rest = [text for text in statement.texts[place + 1 :] if text.upper() not in _BETWEEN]
            name = rest[0] if rest else ""
            while len(rest) > 2 and rest[1] == ".":
                rest = rest[2:]
                name = rest[0] if name == "public" else f"{name}.{rest[0]}"
            return name
    return ""


_BETWEEN = ("IF", "EXISTS", "NOT", "ONLY", "VIEW")


def _must_be_given(column: exp.ColumnDef) -> bool:
    kinds = [constraint.kind for constraint in column.args.get("constraints") or ()]
    kind = column.args.get("kind")
    if any(isinstance(each, _GIVEN_BY_ITSELF) for each in kinds) or (kind is not None and kind.this in _SERIAL):
        return False
    demanding = (
        each for each in kinds if isinstance(each, exp.NotNullColumnConstraint | exp.PrimaryKeyColumnConstraint)
    )
    return any(not each.args.get("allow_null") for each in demanding)


def _index(tree: exp.Expr | None) -> str:
    """Give the name of the index that a statement makes, quoted where it must be; it lies in its table's schema."""
    if not isinstance(tree, exp.Create) or tree.args["kind"] != "INDEX" or not tree.this.name:
        return ""
    table = tree.this.args.get("table")
    parts = [table.args.get("db") if table is not None else None, tree.this.this]
    return ".".join(part.sql("postgres") for part in parts if part is not None)


def _doubts_of_words(statement: Statement, new: set[str]) -> Iterator[str]:
    """Look at a statement that the parser does not take apart, by its first words and those that follow."""
    words, rest = statement.words, frozenset(statement.words[2:])
    named = " ".join(statement.texts[:5])[:60]
    judge = _BY_WORDS.get(words[:2]) or _BY_WORDS.get(words[:1])
    if judge is None:
        yield f"holds a statement that Loom cannot read: {named}"
        return
    what = judge(statement, rest)
    subject = _named_after(statement, (words[1],)) if len(words) > 1 else ""
    if what and (not subject or subject not in new):
        yield f"{what} {subject}".strip()


_Judge = Callable[[Statement, frozenset[str]], str]


def _fine(_statement: Statement, _rest: frozenset[str]) -> str:
    return ""


def _alters(statement: Statement, rest: frozenset[str]) -> str:
    kind = _kind(statement)
    if "RENAME" in rest and "CONSTRAINT" not in rest:
        return f"renames {'a value of ' if 'VALUE' in rest else ''}{kind}"
    if {"SET", "SCHEMA"} <= rest:
        return f"moves to another schema: {kind}"
    if {"ROW", "LEVEL", "SECURITY"} <= rest and not rest & {"DISABLE", "NO"}:
        return "turns row-level security on for"
    if "DETACH" in rest:
        return "detaches a partition of"
    return f"adds a constraint to {kind}" if kind == "domain" and "ADD" in rest else ""


def _drops(statement: Statement, _rest: frozenset[str]) -> str:
    return f"drops {_kind(statement)}"


def _kind(statement: Statement) -> str:
    words = [word.lower() for word in statement.words[1:3]]
    return " ".join(words) if words[:1] == ["materialized"] else "".join(words[:1])


def _runs(statement: Statement, _rest: frozenset[str]) -> str:
    """Look into the code of a DO block: it is another language, and its words alone can be told."""
    code = " ".join(statement.words[1:])
    found = [word for word in ("DROP", "RENAME", "TRUNCATE", "DELETE", "REVOKE", "NOT NULL") if f"{word} " in code]
    return f"runs code that holds {', '.join(found)}" if found else ""


_BY_WORDS: dict[tuple[str, ...], _Judge] = {
    ("DO",): _runs,
    ("DROP",): _drops,
    ("DROP", "INDEX"): _fine,
    ("DROP", "TRIGGER"): _fine,
    ("DROP", "PUBLICATION"): _fine,
    ("ALTER",): _alters,
    **{
        (word,): _fine
        for word in (
            "ANALYZE", "BEGIN", "CALL", "CLUSTER", "COMMENT", "COMMIT", "COPY", "CREATE", "END", "EXECUTE", "GRANT",
            "IMPORT", "INSERT", "LISTEN", "LOCK", "MERGE", "NOTIFY", "REFRESH", "REINDEX", "RESET", "ROLLBACK",
            "SAVEPOINT", "SECURITY", "SELECT", "SET", "SHOW", "START", "UPDATE", "VACUUM", "WITH",
        )
    },
}  # fmt: skip
