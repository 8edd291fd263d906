"""The gateway's four SQLite files, one module each: a schema, a Writer for its one process, a Reader for all."""
