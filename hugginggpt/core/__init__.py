"""The vocabulary: plan, tasks, events, trace, resources, settings, errors.

Imported by everything; imports nothing above it. A new task type is a row of ``tasks.yaml``, a new event a dataclass in
`events` and a case in each of its renderings, a new setting a field of `settings.Settings`.
"""
