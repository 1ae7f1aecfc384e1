{# One field of a customer's profile, merged from all profile events that have it: the latest one
   counts, null erases, and an event without the field leaves what is known. For use in an aggregate
   over events that profile_places has numbered. An erased field has no other value than one that was
   never given, which is why '' can stand for it: max_by would skip NULL on DuckDB alone. #}
{% macro profile_field(field, place='place') -%}
    nullif(
        max_by(
            coalesce({{ trimmed(json_text('properties', field)) }}, ''),
            case when {{ json_has('properties', field) }} then {{ place }} end
        ), ''
    )
{%- endmacro %}

{# The order in which profile events count: by when they happened and, of the same moment, by when
   they arrived. Of the same moment a consent that is not given counts more than one that is, so that
   no tie can undo a withdrawal. #}
{% macro profile_places() %}
        row_number() over (
            partition by customer_id
            order by occurred_at, loaded_at, kafka_offset, event_id
        ) as place,
        row_number() over (
            partition by customer_id
            order by
                occurred_at,
                case when {{ is_true(json_text('properties', 'marketing_consent')) }} then 0 else 1 end,
                loaded_at,
                kafka_offset,
                event_id
        ) as consent_place
{%- endmacro %}

{# Whether a text says yes as JSON does. Anything else, a missing one too, is no. #}
{% macro is_true(text) -%}
    coalesce(lower({{ trimmed(text) }}) = 'true', false)
{%- endmacro %}
