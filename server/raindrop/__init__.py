"""Raindrop: a self-hosted backend on plain Linux servers."""

__version__ = "0.1.0"
