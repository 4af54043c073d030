"""Documents: PDF, Word, PowerPoint, Excel, OpenDocument, EPUB and RTF, as texts, tables and pictures.

`reader` is what the workspace calls: it has a file read by `child`, a process of its own with limits, because PDFium and
the parsers of office files meet whatever strangers send. `formats` tells what a file is; each format has a module with one
function ``read_…(path, parts)``, which is added to `child.READERS`.
"""
