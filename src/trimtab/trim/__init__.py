"""Small corrections from arriving outcomes, and how the Versions of a Trim answer together.

blend.py      many Versions, one answer: recalibrated, weighted, added up; the same bits for one row as for many
"""
