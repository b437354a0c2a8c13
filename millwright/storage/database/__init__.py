"""The database itself: connections, transactions, table definitions, schema revisions, fast bulk writes."""
