"""The room's typed errors, in the words of ``databases`` (vocabulary.py has the others)."""

from http import HTTPStatus

from raindrop.core.errors import AppError, NotFound


class DatabaseNotFound(NotFound):
    """No such database in the project."""

    type = "database_not_found"
    message = "There is no database with this id in the project."


class DatabaseAlreadyExists(AppError):
    """The id is another database's."""

    type = "database_already_exists"
    status = HTTPStatus.CONFLICT
    message = "A database with this id already exists in the project; choose another."


class CollectionNotFound(NotFound):
    """No such collection in the database, or none that the actor may know of."""

    type = "collection_not_found"
    message = "There is no collection with this id in the database."


class CollectionAlreadyExists(AppError):
    """The id is another collection's."""

    type = "collection_already_exists"
    status = HTTPStatus.CONFLICT
    message = "A collection with this id already exists in the database; choose another."


class CollectionLimitExceeded(AppError):
    """The database has as many collections as it may."""

    type = "collection_limit_exceeded"
    status = HTTPStatus.BAD_REQUEST


class AttributeNotFound(NotFound):
    """No such attribute in the collection."""

    type = "attribute_not_found"
    message = "There is no attribute with this key in the collection."


class AttributeAlreadyExists(AppError):
    """The key is another attribute's."""

    type = "attribute_already_exists"
    status = HTTPStatus.CONFLICT
    message = "An attribute with this key already exists in the collection; choose another."


class AttributeLimitExceeded(AppError):
    """The collection's rows would be too wide, or have too many attributes."""

    type = "attribute_limit_exceeded"
    status = HTTPStatus.BAD_REQUEST


class AttributeNotAvailable(AppError):
    """The attribute is still being made, or it failed."""

    type = "attribute_not_available"
    status = HTTPStatus.BAD_REQUEST
    message = "The attribute is not available yet; look at its status."


class EncryptedTooShort(AppError):
    """An encrypted text of so few characters."""

    type = "general_bad_request"
    status = HTTPStatus.BAD_REQUEST


class AttributeUnknown(AppError):
    """An index names an attribute that the collection does not have."""

    type = "attribute_unknown"
    status = HTTPStatus.BAD_REQUEST


class AttributeDefaultUnsupported(AppError):
    """A default where there can be none: required, or an array."""

    type = "attribute_default_unsupported"
    status = HTTPStatus.BAD_REQUEST
    message = "A required attribute and an array have no default value."


class AttributeValueInvalid(AppError):
    """A default or a bound does not fit the attribute."""

    type = "attribute_value_invalid"
    status = HTTPStatus.BAD_REQUEST


class AttributeTypeInvalid(AppError):
    """The attribute is of another type than the operation is for."""

    type = "attribute_type_invalid"
    status = HTTPStatus.BAD_REQUEST
    message = "The attribute is of another type."


class AttributeInvalidResize(AppError):
    """Values that are there do not fit the new size."""

    type = "attribute_invalid_resize"
    status = HTTPStatus.BAD_REQUEST
    message = "Some values are longer than the new size; shorten them first."


class AttributeFormatUnsupported(AppError):
    """The database behind cannot keep this kind of attribute."""

    type = "attribute_format_unsupported"
    status = HTTPStatus.BAD_REQUEST


class RelationshipValueInvalid(AppError):
    """What a document gives for a relationship is no id and no document."""

    type = "relationship_value_invalid"
    status = HTTPStatus.BAD_REQUEST


class IndexNotFound(NotFound):
    """No such index in the collection."""

    type = "index_not_found"
    message = "There is no index with this key in the collection."


class IndexAlreadyExists(AppError):
    """The key is another index's."""

    type = "index_already_exists"
    status = HTTPStatus.CONFLICT
    message = "An index with this key already exists in the collection; choose another."


class IndexLimitExceeded(AppError):
    """The collection has as many indexes as it may."""

    type = "index_limit_exceeded"
    status = HTTPStatus.BAD_REQUEST


class IndexInvalid(AppError):
    """An index of these attributes cannot be."""

    type = "index_invalid"
    status = HTTPStatus.BAD_REQUEST


class IndexDependency(AppError):
    """An index needs the attribute."""

    type = "index_dependency"
    status = HTTPStatus.CONFLICT


class DocumentNotFound(NotFound):
    """No such document in the collection, or none that the actor may see."""

    type = "document_not_found"
    message = "There is no document with this id in the collection, or you may not read it."


class DocumentAlreadyExists(AppError):
    """The id, or a value that must be unique, is another document's."""

    type = "document_already_exists"
    status = HTTPStatus.CONFLICT
    message = "A document with this id, or with a value that must be unique, already exists."


class DocumentInvalidStructure(AppError):
    """The data does not fit the collection's attributes."""

    type = "document_invalid_structure"
    status = HTTPStatus.BAD_REQUEST


class AttributeQueryLimitExceeded(AppError):
    """A query has more values than one may."""

    type = "general_attribute_query_limit_exceeded"
    status = HTTPStatus.BAD_REQUEST


class DocumentMissingData(AppError):
    """There is no data."""

    type = "document_missing_data"
    status = HTTPStatus.BAD_REQUEST
    message = "The document's data is missing."


class DocumentMissingPayload(AppError):
    """There is neither data nor permissions to change."""

    type = "document_missing_payload"
    status = HTTPStatus.BAD_REQUEST
    message = "Give data or permissions to change."


class BulkUnsupported(AppError):
    """The collection has relationships."""

    type = "general_bad_request"
    status = HTTPStatus.BAD_REQUEST
    message = "A collection with relationships takes its documents one by one."


class DocumentUpdateConflict(AppError):
    """Somebody else changed the document meanwhile."""

    type = "document_update_conflict"
    status = HTTPStatus.CONFLICT
    message = "The document was changed meanwhile; read it again."


class DocumentDeleteRestricted(AppError):
    """Other documents are related to it, and the relationship says that it must stay then."""

    type = "document_delete_restricted"
    status = HTTPStatus.FORBIDDEN
    message = "Other documents are related to this one, so it cannot be deleted."


class DatabaseTimeout(AppError):
    """The query took too long."""

    type = "database_timeout"
    status = HTTPStatus.REQUEST_TIMEOUT
    message = "The query took too long. Make an index for it, or ask for less."


class TransactionNotFound(NotFound):
    """No such transaction of the actor's."""

    type = "transaction_not_found"
    message = "There is no transaction with this id."


class TransactionInvalid(AppError):
    """An operation is none, or the transaction's state does not allow this."""

    type = "transaction_invalid"
    status = HTTPStatus.BAD_REQUEST


class TransactionFailed(AppError):
    """An operation could not be done when the transaction was committed."""

    type = "transaction_failed"
    status = HTTPStatus.BAD_REQUEST


class TransactionExpired(AppError):
    """The transaction's time is over."""

    type = "transaction_expired"
    status = HTTPStatus.GONE
    message = "The transaction has expired; begin another."


class TransactionConflict(AppError):
    """What the transaction is about was changed by others."""

    type = "transaction_conflict"
    status = HTTPStatus.CONFLICT
    message = "Something that the transaction changes was changed by others; begin anew."


class TransactionLimitExceeded(AppError):
    """As many operations as a transaction may have."""

    type = "transaction_limit_exceeded"
    status = HTTPStatus.BAD_REQUEST


class TransactionNotReady(AppError):
    """The transaction is being committed, or is over."""

    type = "transaction_not_ready"
    status = HTTPStatus.BAD_REQUEST
    message = "The transaction is not pending any more."
