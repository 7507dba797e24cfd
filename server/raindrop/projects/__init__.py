"""Projects: settings, keys, platforms, and the console's own project."""
