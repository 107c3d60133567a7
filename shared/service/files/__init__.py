"""Tables in files: CSV, XLSX and NDJSON read and written as streams. Use it for imports and exports alone."""
