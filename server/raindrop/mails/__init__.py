"""Mail: written from templates, kept as rows, sent by a task."""
