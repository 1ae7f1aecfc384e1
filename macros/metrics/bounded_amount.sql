{# The bounds of the event contract in SQL, from the same vars that ingest/contract_limits.py reads.
   The loader rejects what lies beyond them. Rows that were loaded before a bound was set, or by
   somebody else, are held to it here, so that no figure is made of them. #}

{# An amount, or NULL where it lies beyond largest_amount or is no finite number. The comparison is
   false for NaN on both engines, which count it as the largest number. #}
{% macro bounded_amount(amount) -%}
    case when abs({{ amount }}) <= {{ var('largest_amount') }} then {{ amount }} end
{%- endmacro %}

{# Whether the time of an event is one that the contract takes. #}
{% macro is_after_earliest(occurred_at) -%}
    {{ occurred_at }} >= cast({{ date_literal(var('earliest_event_date')) }} as {{ type_utc() }})
{%- endmacro %}

{# When an event happened: as it says itself, but never after it arrived by the loader's clock. One
   device that runs ahead would otherwise move the end of everybody's data into the future. #}
{% macro no_later_than_arrival(occurred_at, loaded_at) -%}
    least({{ occurred_at }}, coalesce({{ loaded_at }}, {{ occurred_at }}))
{%- endmacro %}
