"""Promises about tickets, kept: calendars and policies in versions, clocks beside every ticket, and what follows.

`spelling`: calendars and policies as doors write them; `store`: their rows; `commands`: declaring them; `books`: those
in force; `keeping`: the step in every write of a ticket or an entry; `rows`: the rows it keeps; `folding`: history into
clocks; `sweeping`: what time brings; `acting`: what is done about it; `showing`: what a ticket's values tell of it;
`answering`, `previewing`: questions; `doors`: HTTP.
"""
