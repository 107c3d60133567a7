"""The knowledge base: articles are entities like any other; `suggesting` finds those that may answer a ticket."""
