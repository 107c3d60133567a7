"""The service of people and companies. See its README for what it owns and promises."""
