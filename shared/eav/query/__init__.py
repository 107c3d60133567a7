"""Reading: one statement per request, built once per shape and kept; no catalog reads and no mapped objects."""
