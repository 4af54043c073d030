"""The attack campaign as a catalogue: each row of the tables in `benchmarks/attacks`, and each parser with its largest input.

What SECURITY.md's table names has tests of its own, in a browser or over sockets, and isn't repeated here.
"""
