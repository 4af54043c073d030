"""Findings of models as results: a text, structured data, a picture with it drawn in.

Every back end makes its results here, so that those of one task have one shape wherever the model ran. Nothing here
knows how a model is run: findings come as plain numbers, texts and arrays.
"""
