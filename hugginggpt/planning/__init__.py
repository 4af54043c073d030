"""Stage 1: a controller's plan, read while it is written, normalized, repaired, approved.

Imported by `agent`, and the front ends for `approval`; imports the controller seam and `core`. A new kind of mistake
that models make is mended in `normalize` (one object) or `repair` (the whole plan).
"""
