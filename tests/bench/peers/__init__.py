"""The peers that the databases are measured beside, each as fast as it allows.

``make bench-peers`` installs them into ``tests/.cache/peers``; ``load.measure(folder)`` starts one
after the other, fills it with the same 10,000 rows and loads it; ``python -m tests.bench.peers``
does nothing else and prints the figures.

What makes it fair:

- All hear the same requests from the same wrk: the newest ten rows without credentials, and one
  new row (title, body of 100 characters, number) without credentials. Each list goes through an
  index on the time of creation, and none counts the rows beside it (PocketBase: ``skipTotal``).
- Nobody keeps a log of requests, checks a rate or asks for sign-in. Their rules say "everybody",
  so each takes its shortest way through its own permissions.
- No nginx stands before them: the fewest hops, to their advantage.
- Two cores: Parse Server and uvicorn run two processes, PocketBase is threaded by itself.
- Parse Server: ``NODE_ENV=production``, its cluster of two, direct access, the class and its
  columns declared before, classes locked against clients, no log files, its own cache in memory,
  20 database connections a process, PostgreSQL over its Unix socket.
- PostgreSQL and MariaDB commit durably, as Raindrop's database does in the bench, with 256 MB of
  buffers each. PocketBase keeps its own default (SQLite's WAL, ``synchronous=NORMAL``): commits
  survive its own death, not a loss of power, which makes its creates quicker than a durable one.
- The bare FastAPI route is what a person writes who leaves everything out: uvloop, httptools,
  SQLAlchemy Core over asyncmy, a pool of 20 connections a process, no models, no permissions, and
  answers that FastAPI need not look through. It is the floor of the language, not a product.
- Rows are put in through each one's database itself, which no figure contains. The first answer is
  compared with them, and the rows are counted after the creates: a peer that answers without doing
  the work is found out.
- Parse Server runs on the node of this environment; both versions are pinned beside this file.
"""
