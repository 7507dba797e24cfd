"""The public contract under /v1: what it says, who checks it, how much of it the tests saw."""
