"""Pure calculation of the workspace service: what a file's columns hold, where they go, how a file is cut."""
