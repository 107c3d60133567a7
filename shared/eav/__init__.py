"""Entities, attributes and values over PostgreSQL: an attribute made at run time filters and sorts like a column."""
