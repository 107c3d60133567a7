"""Entities, attributes and values over PostgreSQL: any attribute defined at run time filters and sorts like a column."""
