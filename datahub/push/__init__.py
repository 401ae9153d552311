"""Rows that senders push: over HTTP with a key, over MQTT through a subscription."""
