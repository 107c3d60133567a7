"""The published language: what services tell each other, as frozen values with a lasting JSON form.

Imports the kernel only. Knows no database, no broker and no entity type.
"""
