"""The real app with many callers and visitors at once, over real HTTP on loopback."""
