"""The world that the demonstration takes its rows from: somebody else's database, file drop and HTTP API.

world.py      the year of flights as simulated time passes; everything below follows it
register.py   flights and landings, in a SQLite database
drop.py       weather, as CSV files
planes.py     the register of planes, over HTTP

Real parts on purpose: trimtab reads them as it would read a user's own, and knows nothing of this package.
"""

from trimtab.demo.upstream.world import Passed, World

__all__ = ["Passed", "World"]
