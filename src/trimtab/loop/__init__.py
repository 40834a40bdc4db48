"""The only room that knows the order: it reads the record, calls the steps, and writes what they return.

state     what one turn needs: project, contract, lake, catalog, blobs, index
begin     init: from one file of rows to a project
gather    step 1: the sources' new rows and outcomes into the lake
refine    step 2: raw rows into clean rows or quarantine
cycle     ingest, check and train: the first half of the wheel
known     what was known at a moment: answers with their outcomes, labelled rows
tick      one whole turn: forward, ingest, join, measure, judge, act
newcomer  a new Version: chosen or repeated by its recipe, fitted, kept
challenge a newcomer beside the champion: measured, judged, decided about
stand     promote and roll back by hand
replay    the same turn over history, with the moment turned
forward   the spool into the lake, each record once
outcomes  what really happened, from a file
report    the state of the wheel in sentences; explain: all about one Prediction or Decision
doctor    machine and configuration
"""
