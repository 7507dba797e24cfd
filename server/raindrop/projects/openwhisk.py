"""``/api/v1``: OpenWhisk's API; a namespace is a project."""

from flask import Blueprint, Response, jsonify

from raindrop.core.credentials import basic_actor

blueprint = Blueprint("namespaces", __name__, url_prefix="/api/v1/namespaces")


@blueprint.get("")
def list_namespaces() -> Response:
    """The one namespace that these credentials are for."""
    return jsonify([basic_actor().tenant.public_id])
