"""Queues: where tickets wait for whoever works on them; and who follows a ticket, and is told of it.

`tables`: DDL; `store`: rows of queues; `commands`: declaring and reading them; `counting`: how much waits in each;
`routing`: rules of assignment that follow from queues; `followers`: who follows what, kept with every write; `telling`:
what they are told; `doors`, `follower_doors`: HTTP.
"""
