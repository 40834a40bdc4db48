"""Step 3a: from labelled clean rows to a Version, and the one door through which a Version is opened.

`fit.choose` lets the families compete, `fit.fit` writes the winner to disk, `golden.try_version` asks a limited child
process whether the written Version answers, `artefact.open_version` opens it. Opening is light: no training library.
"""
