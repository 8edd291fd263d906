"""What the phone pages of gateway and cloud share: what is shown, in which words, and how it is drawn.

Nothing in here reads a clock, a file of the village or a network: a page is a function of a ``view.Village``, a time
and a language.
"""
