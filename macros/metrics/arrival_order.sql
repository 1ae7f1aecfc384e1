{# What came first among the copies of an event: the earlier load by the loader's clock and, within a
   load, the lower offset. A topic's own time has no say, because it may be the sender's. #}
{% macro arrival_order() -%}
    loaded_at, kafka_topic, kafka_partition, kafka_offset
{%- endmacro %}

{# The columns that copies of one event have in common. #}
{% macro event_identity() -%}
    event_id, customer_id, event_type
{%- endmacro %}
