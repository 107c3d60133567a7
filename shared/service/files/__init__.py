"""Tables in files: CSV and XLSX read and written as streams, NDJSON written. Use it for imports and exports alone."""
