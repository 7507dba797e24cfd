"""Databases: typed collections as real tables."""
