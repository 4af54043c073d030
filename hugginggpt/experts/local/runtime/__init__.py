"""What all local models share: devices, the pool of loaded models, cancellation, and which tasks a checkpoint can do.

The other folders of `local/` import it; it imports none of them. Add architectures to `architectures.yaml`.
"""
