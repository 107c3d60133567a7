"""The service of owners, users, teams, tokens and user-defined entity types. See its README."""
