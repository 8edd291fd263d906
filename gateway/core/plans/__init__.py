"""Plans by crop: what is wanted of a garden's water over a season. When and how it flows is for others to say.

Rules
1. A plan is data (``kinds``), made by the registry. What it remembers is ``memory``, a part of the state.
2. A phase never changes by itself: the plan says when the next is due, a person confirms it (``people``).
3. ``want`` is the one door: whether a garden's plan asks for water now, and when a run has given enough.
4. No plan starts water on missing data (S12). A calendar needs none: it is a person's standing order.
"""
