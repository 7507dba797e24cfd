"""``/api/openapi.json`` and ``/api/docs``: Swagger UI from the package's own files, offline."""

import secrets

from flask import Response, jsonify, render_template_string, url_for
from flask_openapi3 import OpenAPI
from flask_openapi3_swagger.plugins import RegisterPlugin

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Raindrop API</title>
<link rel="icon" href="/favicon.svg">
<link rel="stylesheet" href="{{ url_for('swagger.static', filename='css/swagger-ui.css') }}">
</head>
<body>
<div id="docs"></div>
<script src="{{ url_for('swagger.static', filename='js/swagger-ui-bundle.js') }}"></script>
<script nonce="{{ nonce }}">
SwaggerUIBundle({url: {{ document|tojson }}, dom_id: "#docs", deepLinking: true})
</script>
</body>
</html>
"""


def init_apidocs(app: OpenAPI) -> None:
    """Serve the document and its page."""
    app.register_blueprint(RegisterPlugin.register(doc_url="openapi.json"), url_prefix="/api/docs")

    @app.route("/api/openapi.json")
    def openapi_json() -> Response:
        document = app.api_doc
        document.get("components", {}).pop("securitySchemes", None)  # there are none yet
        return jsonify(document)

    @app.route("/api/docs")
    def docs() -> Response:
        nonce = secrets.token_urlsafe(16)
        page = render_template_string(_PAGE, nonce=nonce, document=url_for("openapi_json"))
        response = Response(page, mimetype="text/html")
        response.headers["Content-Security-Policy"] = (
            f"default-src 'none'; script-src 'self' 'nonce-{nonce}'; "
            "style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; "
            "base-uri 'none'; frame-ancestors 'none'"
        )
        return response
