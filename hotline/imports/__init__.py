"""Tickets from elsewhere: tables with somebody else's columns, read by saved mappings."""
