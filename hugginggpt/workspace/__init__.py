"""Files of one session: resources, media and the fetch guard.

Imports `core` alone; imported by every floor above. A new format is recognized in `file_types`, and read
in `media`, within its decoder's limits.
"""
