"""Rules of the cloud, with no database, network or clock in them."""
