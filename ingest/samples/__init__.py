"""Real events that ship with the project, and the invented profiles that go with them."""

from pathlib import Path

EVENTS = Path(__file__).with_name("complete_journey_300.parquet")
PROFILES = Path(__file__).with_name("complete_journey_300_profiles.jsonl")
FILES = [EVENTS, PROFILES]
