"""Services x roles as containers: docker-compose.yml is written from the list of services, and read by `up-split`."""
