"""Canned replies and macros: texts and actions that agents use again and again.

`templates`: texts with variables, in a sandbox; `speaking`: what variables mean for a ticket; `store`: declared rows
in versions, of triggers too; `spelling`: actions as doors write them; `deeds`: what actions come to; `commands`:
declaring; `applying`: a macro to tickets; `doors`: HTTP.
"""
