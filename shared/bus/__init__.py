"""The log of changes: outbox, ticks, feed, consumers. Knows no entity type; hands on what services write to it.

Write: `outbox.append` inside the writer's transaction. Order: `ticks` cut what was committed into numbered batches.
Read: `feed` pages through the batches. Follow: `consumer` applies another service's pages, each exactly once.
"""
