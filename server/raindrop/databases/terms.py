"""Full text on both databases: an index's terms, kept in a column of their own.

MariaDB's full-text parser knows no Chinese words and passes over short and common ones; SQLite's
differs in all of that. So what is indexed is not the text but its terms, written as ASCII words
that both take as they are: words in lower case, and of scripts without spaces between words each
character and each pair. Searching for some characters finds them wherever they stand.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from raindrop.core.db import db
from raindrop.databases.schema import Index, Schema
from raindrop.databases.tables import rows_of

TERM_MAX = 80
"""Characters of a term; InnoDB takes up to 84."""
WORDS_MAX = 32
"""Words and phrases of one search."""

_DENSE = (
    r"\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    r"\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"  # Chinese, Japanese, Korean
    r"\u0e01-\u0e3a\u0e40-\u0e4e\u0e80-\u0eff\u1000-\u109f\u1780-\u17d3"  # Thai to Khmer
)
"""The scripts without spaces between words."""
_MARKS = (
    r"\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a"
    r"\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u0900-\u0963\u0981-\u0dff"
)
"""Accents and vowel signs, which are no letters of their own but part of a word."""
_RUNS = re.compile(rf"(?P<dense>[{_DENSE}]+)|(?P<word>(?:(?![{_DENSE}])[^\W_]|[{_MARKS}])+)")
_SEPARATOR = "yyy"
"""Between the texts of a row; no term is like it, so no phrase reaches from one to the next."""


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
    texts: list[str] = []
    for column in columns_of(schema, index):
        value = row.get(column)
        texts += value if isinstance(value, list) else [value] if value else []
    return f" {_SEPARATOR} ".join(" ".join(_terms(text)) for text in texts if text)


def match(schema: Schema, index: Index, text: str) -> sa.ColumnElement[bool]:
    """Whether a row has one of the words of a text, the last of them also as a beginning; what
    stands in double quotes must stand together. Never null, so that its opposite is what it says.
    """
    is_sqlite = db.engine.dialect.name == "sqlite"
    question = _question(text, is_sqlite=is_sqlite)
    if not question:
        return sa.false()
    rows = rows_of(schema)
    if is_sqlite:
        fts = sa.table(fts_of(schema, index), sa.column("rowid"), sa.column(index.name))
        found = sa.select(fts.c.rowid).where(fts.c[index.name].op("MATCH")(question))
        return rows.c["_id"].in_(found)
    return mysql.match(rows.c[index.name], against=question).in_boolean_mode()


def fts_of(schema: Schema, index: Index) -> str:
    """The name of the table that SQLite keeps beside the collection's own for an index."""
    return f"c_{schema.id}_f_{index.id}"


def _terms(text: str) -> Iterator[str]:
    for run in _runs(text):
        yield from _terms_of_run(run)


def _runs(text: str) -> Iterator[re.Match[str]]:
    return _RUNS.finditer(unicodedata.normalize("NFKC", text).casefold())


def _terms_of_run(run: re.Match[str]) -> Iterator[str]:
    if run["word"]:
        yield _encode(run["word"])
        return
    dense = run["dense"]
    for place, character in enumerate(dense):
        yield _encode(character)
        if place + 1 < len(dense):
            yield _encode(dense[place : place + 2])


def _encode(word: str) -> str:
    """A word in ASCII letters and digits, at least three of them and no word of any language; the
    beginning of a word is written as the beginning of its term."""
    plain = word if word.isascii() and "z" not in word else "".join(map(_encode_character, word))
    return ("xx" + plain)[:TERM_MAX]


@lru_cache(maxsize=20_000)
def _encode_character(character: str) -> str:
    if character == "z":
        return "zz"
    if character.isascii():
        return character
    return f"z{ord(character):05x}"


def _question(text: str, *, is_sqlite: bool) -> str:
    """The search in the words of either database; empty when there is nothing to look for."""
    phrases = [list(_terms(phrase)) for phrase in re.findall(r'"([^"]*)"', text)]
    runs = list(_runs(re.sub(r'"[^"]*"', " ", text)))
    beginning = [_encode(runs.pop()["word"]) + "*"] if runs and runs[-1]["word"] else []
    # A run of characters is found by its terms in a row, wherever it stands.
    phrases += [list(_terms_of_run(run)) for run in runs if run["dense"]]
    words = [_encode(run["word"]) for run in runs if run["word"]]
    quoted = [f'"{" ".join(terms)}"' for terms in phrases if terms]
    # In this order: InnoDB loses a beginning that comes after a phrase.
    parts = [*beginning, *words, *quoted][:WORDS_MAX]
    return (" OR " if is_sqlite else " ").join(parts)
