"""How the services are put together and run: route table, web process, embedded stack. Services never import this."""
