"""What every other package needs and what needs none of them."""
