"""Stage 3: the scheduler, the device queue, the inputs and the progress of tasks.

Imported by `agent`; imports the expert seam, the request's context, `workspace` and `core`. What becomes of a call is
decided in `scheduler`, when it runs in `device_queue`.
"""
