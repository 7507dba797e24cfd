"""The site's public to-do board; the reference room."""
