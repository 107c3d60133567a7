"""How customers were served, asked when their ticket is closed: a signed link, a page, one answer per cycle.

`signing`: links that nobody can make up; `tables`, `surveys`: who was asked, and taking what they say; `entities`: the
surveys that reports are made of, and what tickets tell of them; `carrying`: what was said before there were any;
`page`: plain HTML; `doors`: HTTP, the only one of the service that needs no token.
"""
