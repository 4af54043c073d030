"""Builders of results: texts, structured data, annotated images, files. One task has one shape of result in every back end.

Any back end may import this package; it imports neither a back end nor a library that runs models.
Add one ``build_..._result`` function for each new shape, in the module of its kind, fed with plain numbers and arrays.
"""
