"""What is claimed as good or fast, measured."""
