"""Messages to customers: what an LLM is asked, what is checked, how they are handed over."""
