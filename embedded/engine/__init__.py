"""What Snowflake does by itself: it imports only runtime and knows no model by name."""
