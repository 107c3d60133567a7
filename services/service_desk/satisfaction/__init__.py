"""How customers were served, asked when their ticket is closed: a signed link, a page, one answer per cycle.

`signing`: links that nobody can make up; `tables`, `surveys`: who was asked, and what they said; `page`: plain HTML;
`doors`: HTTP, the only one of the service that needs no token.
"""
