"""Whole seasons in seconds: the real irrigation core and the real lease code of the nodes on the simulated field, in
one thread on a virtual clock, with other controllers on copies of the same field under the same weather.

`scenario` says what a run is, `trial` is one copy of the field with its books, `gateway` and `shadow_run` water it,
`figures` weighs the books, `season` runs all of it, `report` shows it.
"""
