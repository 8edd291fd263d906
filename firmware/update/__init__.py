"""Updates over the air: taking an offer, loading a release into the other slot, and proving that it is healthy."""
