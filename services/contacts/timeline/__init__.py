"""One customer's history in one stream: kept from events as they come, read page by page, newest first."""
