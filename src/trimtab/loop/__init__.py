"""The only room that knows the order: it reads the record, calls the steps, and writes what they return.

state     what one turn needs: project, contract, lake, catalog, blobs, index
begin     init: from one file of rows to a project
cycle     ingest, check and train: the first half of the wheel
known     what was known at a moment: answers with their outcomes, labelled rows
tick      one whole turn: forward, ingest, join, measure, judge, act
challenge a newcomer: fitted, measured beside the champion, judged
stand     promote and roll back by hand
forward   the spool into the lake, each record once
outcomes  what really happened, from a file
report    the state of the wheel in sentences; explain: all about one Prediction or Decision
doctor    machine and configuration
"""
