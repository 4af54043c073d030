"""Calculations on tables, without a model: a question is parsed over the table's own columns and cells, then computed.

`table_answers` and `table_charts` beside this package call it. A word that means something is a row of ``words.yaml``; a word
that nothing explains makes the question one that is refused, as a number that was guessed is worse than none.
"""
