"""Writing: set-wise, one transaction, validated before; statements built once per shape and kept."""
