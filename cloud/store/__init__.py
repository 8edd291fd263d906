"""The ledger and the projections made from it."""
