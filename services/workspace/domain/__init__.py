"""Pure calculation about the people of an installation. Standard library only."""
