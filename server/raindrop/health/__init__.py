"""Whether the parts of the server answer."""
