"""Kafka to the raw tables: the event contract, the loader, replay and simulation."""
