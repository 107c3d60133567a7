"""Files that go with what is said about tickets: uploaded or brought along by an e-mail, then claimed by an entry.

`tables`: DDL; `store`: rows; `claiming`: the step by which an entry takes its files; `doors`: HTTP.
"""
