"""Shared by all local tasks: devices, the pool of warm models, matching of checkpoints to tasks, cancellation.

Imported by the modalities' folders; imports no task. A new architecture is a row of ``architectures.yaml``.
"""
