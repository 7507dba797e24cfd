"""People: users of a project, their sessions, tokens, second factors and identities."""
