"""Options that every created table has."""

from typing import Any

from alembic import op


def table_options() -> dict[str, Any]:
    """InnoDB, and a collation in which no two different texts are equal.

    ``utf8mb4_bin`` would hold 'a' and 'a ' for the same; MySQL and MariaDB name the collations
    without padding differently.
    """
    dialect = op.get_bind().dialect
    is_mariadb = getattr(dialect, "is_mariadb", False)
    return {
        "mysql_engine": "InnoDB",
        "mysql_charset": "utf8mb4",
        "mysql_collate": "utf8mb4_nopad_bin" if is_mariadb else "utf8mb4_0900_bin",
        "sqlite_autoincrement": True,
    }
