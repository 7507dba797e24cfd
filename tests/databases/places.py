"""A database with collections to test with, made through the API."""

import time
from collections.abc import Callable
from typing import Any

from raindrop.core.formats import new_id
from tests.contract.recorder import ContractClient
from tests.support.v1 import Project

SOON_S = 60
ANYBODY = ['read("any")', 'create("any")', 'update("any")', 'delete("any")']


class Place:
    """A project with one database; ``key`` may do everything in it."""

    def __init__(self, project: Project, service: str = "databases") -> None:
        """
        Args:
            service: ``databases`` or ``tablesdb``: in which words it is made and spoken of.
        """
        self.project, self.service = project, service
        is_tables = service == "tablesdb"
        self.collections = "tables" if is_tables else "collections"
        self.attributes = "columns" if is_tables else "attributes"
        self.documents = "rows" if is_tables else "documents"
        self.collection_field = "tableId" if is_tables else "collectionId"
        self.document_field = "rowId" if is_tables else "documentId"
        self.security_field = "rowSecurity" if is_tables else "documentSecurity"
        self.key = project.key()
        self.id = new_id()
        made = self.key.post(f"/v1/{service}", json={"databaseId": self.id, "name": "Test"})
        assert made.status_code == 201, made.text
        self.url = f"/v1/{service}/{self.id}"

    def collection(
        self,
        *attributes: dict[str, Any],
        permissions: list[str] | None = None,
        has_document_security: bool = False,
    ) -> str:
        """Make a collection with attributes (``{"kind": "string", "key": …, …}``), wait until they
        are available; its id."""
        body = {
            self.collection_field: new_id(),
            "name": "Things",
            "permissions": ANYBODY if permissions is None else permissions,
            self.security_field: has_document_security,
        }
        made = self.key.post(f"{self.url}/{self.collections}", json=body)
        assert made.status_code == 201, made.text
        for attribute in attributes:
            self.attribute(body[self.collection_field], **attribute)
        self.wait(body[self.collection_field])
        return str(body[self.collection_field])

    def attribute(self, collection: str, *, kind: str = "string", **fields: Any) -> None:
        """Begin to make an attribute."""
        defaults = {"required": False} | ({"size": 100} if kind == "string" else {})
        url = f"{self.at(collection)}/{self.attributes}/{kind}"
        made = self.key.post(url, json=defaults | fields)
        assert made.status_code == 202, made.text

    def at(self, collection: str) -> str:
        """A collection's address."""
        return f"{self.url}/{self.collections}/{collection}"

    def documents_of(self, collection: str, document: str = "") -> str:
        """The address of a collection's documents, or of one."""
        return f"{self.at(collection)}/{self.documents}" + (f"/{document}" if document else "")

    def wait(self, collection: str) -> dict[str, Any]:
        """Wait until nothing of a collection is in the making; the collection."""

        def settled() -> dict[str, Any] | None:
            shown: dict[str, Any] = self.key.get(self.at(collection)).json()
            parts = [*shown[self.attributes], *shown["indexes"]]
            is_settled = all(part["status"] not in ("processing", "deleting") for part in parts)
            return shown if is_settled else None

        return eventually(settled)

    def create(
        self,
        client: ContractClient,
        collection: str,
        data: dict[str, Any],
        document: str = "unique()",
        permissions: list[str] | None = None,
    ) -> Any:
        """Ask for a document; the response."""
        body: dict[str, Any] = {self.document_field: document, "data": data}
        if permissions is not None:
            body["permissions"] = permissions
        return client.post(self.documents_of(collection), json=body)


def eventually(look: Callable[[], Any], within_s: float = SOON_S) -> Any:
    """The first answer that is not ``None``."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        found = look()
        if found is not None:
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {within_s} s")
