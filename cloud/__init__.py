"""The cloud of many villages: a ledger of readings, and what is made from it."""
