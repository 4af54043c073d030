"""Truth of answers: requests about small files with known contents, and what the built-in mode says of them.

Each YAML file of `parts/` is one part of the table. To add one, write its requests (`questions.py` says how they are read);
a kind of file that can't be made yet is one function in `files.py`.
"""
