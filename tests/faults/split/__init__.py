"""Services apart: a process per service and role behind nginx, as docker-compose.yml has them."""
