"""What Snowflake does by itself, for the laptop only."""
