"""The commands, one file per thing they are about. Each parses, asks the API, and shows; see `crm.command`."""
