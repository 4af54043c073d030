"""Files of one session: resources, media and the fetch guard.

Imports `core` alone; imported by every floor above. A new media format goes into `media`, with its decoder's limits.
"""
