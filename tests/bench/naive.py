"""The first version that anybody writes: every request asks the database for the newest ten.

``NAIVE_DATABASE`` is the database's address, ``NAIVE_TABLE`` the table: with or without an index.
"""

import os
from typing import Any

import sqlalchemy as sa
from flask import Flask

app = Flask(__name__)
engine = sa.create_engine(os.environ["NAIVE_DATABASE"], pool_size=20)
todos = sa.Table(
    os.environ["NAIVE_TABLE"],
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("content", sa.String(1000)),
    sa.Column("created_at", sa.DateTime),
    sa.Column("finished_at", sa.DateTime),
)


@app.get("/api/todo")
def list_todos() -> dict[str, Any]:
    """Ten to-dos, newest first."""
    newest = sa.select(todos).order_by(todos.c.created_at.desc()).limit(10)
    with engine.connect() as connection:
        rows = connection.execute(newest).all()
    return {"data": [_dump(row) for row in rows]}


@app.get("/api/todo/<int:todo_id>")
def get_todo(todo_id: int) -> dict[str, Any]:
    """One to-do by its key."""
    with engine.connect() as connection:
        row = connection.execute(sa.select(todos).where(todos.c.id == todo_id)).one()
    return _dump(row)


def _dump(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "content": row.content,
        "created_at": row.created_at.timestamp(),
        "is_finished": row.finished_at is not None,
        "finished_at": row.finished_at and row.finished_at.timestamp(),
    }
