"""Answers over HTTP and in batch: one Contract, every answer logged before it is given.

supervisor.py  `trimtab up`: starts the processes and      listener.py  the socket that workers share
               keeps them up, importing none of them
worker.py      one process: its lock, its golden rows      server.py    the web server, and how it stops
desk.py        what a worker holds in its hands            live.py      the epoch that answers, and its swap
routes.py      the one table of routes                     app.py       routes onto one FastAPI app, all guarded alike
predict.py     POST /predict                               answer.py    one row in, one answer out, fallbacks
outcomes.py    POST /outcomes                              lookup.py    GET /predictions/{id}, relay.py for the lake
model.py       Versions compiled, alone or blended         explain.py   what moved an answer, made again
health.py      /livez /readyz /healthz /metrics /model     schema.py    /openapi.json of shapes.py, /docs of page.py
decode.py      bytes to values: fast, or slow to explain   ladder.py    problem+json, its codes and sentences
limits.py      size, time and places in the queue          keeper.py    records into the spool, many at once
repeats.py     a client's own ids                          cache.py     a start without the store
meters.py      figures for Prometheus                      trace.py     whose request it is, in logs and headers
batch.py       the same answers for a whole input          asked.py     the file, folder or table that holds it
scorer.py      one chunk answered; columns.py its columns  frame.py     a Trim of several Versions, for many rows
job.py         what a crash does not undo                  sheet.py     the file or table of the answers
child.py       a server in a child process, its client
"""
