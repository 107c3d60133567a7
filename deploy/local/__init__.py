"""The one-command run: servers started, databases made, processes kept alive. Not for a split installation."""
