"""An invented coffee shop's exports: the example of docs/your-events.md."""

from pathlib import Path

ORDERS = Path(__file__).with_name("orders.csv")
ACTIVITY = Path(__file__).with_name("activity.csv.gz")
CUSTOMERS = Path(__file__).with_name("customers.csv")
