{# CTEs told and needles: what shows that a rejected message is about a customer. A message that has a
   customer_id is another customer's, unless that is one of the ids as a whole: an id such as `7` stands
   in every number. A message without one, which no change of the contract can make an event, goes if
   the id stands anywhere in it. Names and addresses are those that the customer's events told.
   ids: a CTE with the customer_ids. needles: needle, and is_loose where a message with a customer_id is
   not meant. #}
{% macro needles(ids) %}
    told as (
        {%- for field in ['name', 'email'] %}
        select distinct
            {{ trimmed(json_text(json_part('raw_events.payload', 'properties'), field)) }} as told_text
        from {{ ref('churn_scores_raw') }} as raw_events
        inner join {{ ids }} as own_ids on raw_events.customer_id = own_ids.customer_id
        {{ 'union' if not loop.last }}
        {%- endfor %}
    ),
    needles as (
        select
            '"' || customer_id || '"' as needle,
            0 as is_loose
        from {{ ids }}
        {%- for blank in ['', ' '] %}
        {%- for end in [',', '}'] %}
        union all
        select
            '"customer_id":{{ blank }}' || customer_id || '{{ end }}' as needle,
            0 as is_loose
        from {{ ids }}
        {%- endfor %}
        {%- endfor %}
        union all
        select
            customer_id as needle,
            1 as is_loose
        from {{ ids }}
        {%- for text in ['told_text', 'lower(told_text)', 'upper(told_text)'] %}
        union all
        select
            {{ text }} as needle,
            case when length(told_text) < 6 then 1 else 0 end as is_loose
        from told
        where told_text <> ''
        {%- endfor %}
    )
{% endmacro %}

{# The places of rejected messages that hold a needle. Bytes are compared, because what was rejected may be
   no text. #}
{% macro rejected_messages_of(needles) %}
    select distinct
        rejected.kafka_topic,
        rejected.kafka_partition,
        rejected.kafka_offset
    from {{ ref('churn_events_rejected') }} as rejected
    inner join {{ needles }}
        on
            contains({{ hex_text('rejected.message') }}, {{ hex_text(needles ~ '.needle') }})
            and (
                {{ needles }}.is_loose = 0
                or not contains(
                    {{ hex_text('rejected.message') }}, {{ hex_text("'\"customer_id\"'") }}
                )
            )
{% endmacro %}

{% macro hex_text(bytes) %}{{ return(adapter.dispatch('hex_text')(bytes)) }}{% endmacro %}
{% macro default__hex_text(bytes) %}{{ no_such_engine('hex_text') }}{% endmacro %}
{% macro snowflake__hex_text(bytes) -%}hex_encode({{ bytes }}){%- endmacro %}
{% macro duckdb__hex_text(bytes) -%}hex({{ bytes }}){%- endmacro %}
