"""`make bench`: what the embedded engine costs, as ratios measured side by side in one run."""
