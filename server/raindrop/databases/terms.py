"""Full text on both databases: an index's terms, kept in a column of their own.

MariaDB's full-text parser knows no Chinese words and passes over short and common ones; SQLite's
differs in all of that. So what is indexed is not the text but its terms, written as ASCII words
that both take as they are: words in lower case, and of scripts without spaces between words each
character and each pair. Searching for a pair finds it wherever it stands.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from raindrop.core.db import db
from raindrop.databases.schema import Index, Schema

TERM_MAX = 80
"""Characters of a term; InnoDB takes up to 84."""
WORDS_MAX = 32
"""Words of one search."""

_RUNS = re.compile(
    r"(?P<dense>[\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf"
    r"\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]+)|(?P<word>[^\W_]+)"
)


def of_row(schema: Schema, row: Mapping[Any, Any]) -> dict[str, str]:
    """The columns of terms of a row, for every full-text index that writers keep up.

    Args:
        row: all columns that the indexes are of.
    """
    return {index.name: terms_of(schema, index, row) for index in written(schema)}


def written(schema: Schema) -> list[Index]:
    """The full-text indexes whose terms writers keep up."""
    return [index for index in schema.indexes if index.type == "fulltext" and index.is_written]


def columns_of(schema: Schema, index: Index) -> list[str]:
    """The columns that an index is of."""
    keys = {attribute.key: attribute.column for attribute in schema.attributes}
    return [keys[member.key] for member in index.members if member.key in keys]


def terms_of(schema: Schema, index: Index, row: Mapping[Any, Any]) -> str:
    """The terms of one index for a row, as one text."""
    found: list[str] = []
    for column in columns_of(schema, index):
        value = row.get(column)
        for text in value if isinstance(value, list) else (value,):
            if text:
                found += _terms(str(text))
    return " ".join(found)


def match(schema: Schema, index: Index, text: str) -> sa.ColumnElement[bool]:
    """Whether a row has one of the words of a text, the last of them also as a beginning; what
    stands in double quotes must stand together."""
    table = f"c_{schema.id}"
    is_sqlite = db.engine.dialect.name == "sqlite"
    question = _question(text, is_sqlite=is_sqlite)
    if not question:
        return sa.false()
    if is_sqlite:
        fts = f"{table}_f_{index.id}"
        return sa.text(
            f"{table}._id IN (SELECT rowid FROM {fts} WHERE {fts} MATCH :t{index.id})"  # noqa: S608
        ).bindparams(sa.bindparam(f"t{index.id}", question, unique=True))  # type: ignore[return-value]
    against = sa.text(f"MATCH ({table}.{index.name}) AGAINST (:t{index.id} IN BOOLEAN MODE)")
    return against.bindparams(  # type: ignore[return-value]
        sa.bindparam(f"t{index.id}", question, unique=True)
    )


def _terms(text: str) -> Iterator[str]:
    for run in _RUNS.finditer(text.lower()):
        if run["word"]:
            yield _encode(run["word"])
            continue
        dense = run["dense"]
        for place, character in enumerate(dense):
            yield _encode(character)
            if place + 1 < len(dense):
                yield _encode(dense[place : place + 2])


def _encode(word: str) -> str:
    """A word in ASCII letters and digits, at least three of them, no two words alike."""
    plain = "xx" + word if word.isascii() else "uu" + word.encode().hex()
    return plain[:TERM_MAX]


def _question(text: str, *, is_sqlite: bool) -> str:
    """The search in the words of either database; empty when there is nothing to look for."""
    phrases = re.findall(r'"([^"]*)"', text)
    rest = re.sub(r'"[^"]*"', " ", text).lower()
    runs = list(_RUNS.finditer(rest))[:WORDS_MAX]
    parts = [f'"{" ".join(_terms(phrase))}"' for phrase in phrases if any(_terms(phrase))]
    for number, run in enumerate(runs, start=1):
        if run["word"]:
            parts.append(_encode(run["word"]) + ("*" if number == len(runs) else ""))
        else:
            parts.append(_all_of(_pairs(run["dense"]), is_sqlite=is_sqlite))
    return (" OR " if is_sqlite else " ").join(parts)


def _pairs(dense: str) -> list[str]:
    if len(dense) == 1:
        return [_encode(dense)]
    return [_encode(dense[place : place + 2]) for place in range(len(dense) - 1)]


def _all_of(terms: list[str], *, is_sqlite: bool) -> str:
    if len(terms) == 1:
        return terms[0]
    if is_sqlite:
        return f"({' AND '.join(terms)})"
    return f"({' '.join(f'+{term}' for term in terms)})"
