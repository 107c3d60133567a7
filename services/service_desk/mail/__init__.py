"""E-mail that comes in: `receiving` makes of it tickets and what is said about them; `doors`: HTTP."""
