"""The WSGI entry that gunicorn loads; ``etc/gunicorn/gunicorn.conf.py`` has patched before."""

from raindrop.app import create_app
from raindrop.config import load_settings
from raindrop.core.logs import init_logs

settings = load_settings()
init_logs(settings, "web")
app = create_app(settings)
