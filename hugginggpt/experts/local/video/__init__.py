"""Local video tasks: classes, and videos by diffusion.

Imported by name, through ``functions.yaml`` beside `experts.local.expert`, at the first call. A new task is a function
of a module here and a row there.
"""
