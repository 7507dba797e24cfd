"""A route over MariaDB that checks nothing, run by ``bare.py`` in an environment of its own.

``BARE_DATABASE`` is the database's address.
"""

import datetime
import os
from typing import Any

import sqlalchemy as sa
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from sqlalchemy.ext.asyncio import create_async_engine

app = FastAPI()
engine = create_async_engine(os.environ["BARE_DATABASE"], pool_size=20, max_overflow=0)
items = sa.Table(
    "items",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("title", sa.String(255)),
    sa.Column("body", sa.Text),
    sa.Column("number", sa.Integer),
    sa.Column("created", sa.DateTime),
)


@app.get("/items")
async def list_items() -> JSONResponse:
    """The newest ten."""
    newest = sa.select(items).order_by(items.c.created.desc()).limit(10)
    async with engine.connect() as connection:
        rows = (await connection.execute(newest)).all()
    return JSONResponse({"items": [_dump(row) for row in rows]})


@app.post("/items")
async def create_item(request: Request) -> JSONResponse:
    """One row, of whatever was sent."""
    values = await request.json()
    values["created"] = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    async with engine.begin() as connection:
        result = await connection.execute(sa.insert(items).values(**values))
    created = values["created"].isoformat()
    return JSONResponse({**values, "id": result.lastrowid, "created": created}, 201)


def _dump(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "title": row.title,
        "body": row.body,
        "number": row.number,
        "created": row.created.isoformat(),
    }
