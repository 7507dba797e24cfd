"""Functions: code of the projects' developers, run in sandboxes."""
