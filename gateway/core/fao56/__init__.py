"""Crop water by FAO Irrigation and Drainage Paper 56 (Allen, Pereira, Raes, Smith 1998), "FAO-56" below.

Rules
1. Pure numpy. Every function takes numbers or arrays that broadcast against each other and returns the broadcast
   shape; nothing loops over rows or zones in Python.
2. Units are in the names. Days and hours are periods of the local civil calendar.
3. NaN means "not known": NaN in gives NaN out, never an error. Inputs outside of what nature allows are refused by
   who reads them (``cli``, the gateway's ingest), not here; an error raised here is a mistake of the caller.
4. Each equation names its number, so that it can be held against the book.

``atmosphere`` → ``radiation`` → ``reference`` give the reference evapotranspiration ET0; ``crop`` and ``water`` the
coefficients; ``balance`` steps the soil water of many zones from day to day.
"""
