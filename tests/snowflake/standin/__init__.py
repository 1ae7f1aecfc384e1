"""A stand-in for a Snowflake account: fakesnow answers SQL, the rest is kept and recorded here.

dbt talks to it over the wire with its own adapter and connector, as it does with an account.
"""
