"""A replica of other services' entities, links and catalogs, fed by their logs; for services that only read."""
