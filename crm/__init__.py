"""The command line of the CRM: a client of its public HTTP API. Start reading at `crm.cli`."""
