"""Triggers: what is done by itself when something happens to a ticket, or when time has passed.

`spelling`: triggers as doors write them; `book`: those in force, in versions; `hearing`: the consumer of our own log;
`timing`: what time brings; `firing`: once each, with the ledger and the chain of causes; `ledger`: its rows;
`trying`: what a trigger would have done; `commands`, `doors`: declaring, and HTTP.
"""
