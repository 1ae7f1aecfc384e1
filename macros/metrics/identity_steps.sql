{# Where merges lead, one hop after the other, as the CTEs first_merges, closing, counted, links and
   steps. An id is merged once: its first merge counts, whatever comes later. Of merges that lead in a
   circle the latest one is left out. Both hold for the merges up to any moment as for all of them, so
   that the steps known by a cut-off are those that were known then. There is no recursion, because
   no dynamic table is refreshed by one.
   merge_events: a CTE with the columns of customer_merges. #}
{% macro identity_steps(merge_events) %}
    {%- set hops = merge_hops() %}
    first_merges as (

        select
            merged_id as customer_id,
            customer_id as into_id,
            occurred_at as merged_at
        from {{ merge_events }}
        qualify row_number() over (
            partition by merged_id order by occurred_at, event_id, customer_id, event_type
        ) = 1

    ),

    -- What closes a circle is later than all other merges of it.
    closing as (

        {% for length in range(2, hops + 2) -%}
        select first_1.customer_id
        from first_merges as first_1
        {%- for place in range(2, length + 1) %}
        inner join first_merges as first_{{ place }}
            on
                first_{{ place - 1 }}.into_id = first_{{ place }}.customer_id
                and (
                    first_{{ place }}.merged_at < first_1.merged_at
                    or (
                        first_{{ place }}.merged_at = first_1.merged_at
                        and first_{{ place }}.customer_id < first_1.customer_id
                    )
                )
        {%- endfor %}
        where first_{{ length }}.into_id = first_1.customer_id
        {{ 'union all' if not loop.last }}
        {% endfor %}

    ),

    counted as (

        select
            customer_id,
            into_id,
            merged_at,
            0 as is_closing
        from first_merges
        union all
        select
            customer_id,
            cast(null as {{ dbt.type_string() }}) as into_id,
            cast(null as {{ type_utc() }}) as merged_at,
            1 as is_closing
        from closing

    ),

    links as (

        select
            customer_id,
            max(into_id) as into_id,
            max(merged_at) as merged_at
        from counted
        group by customer_id
        having max(is_closing) = 0

    ),

    steps as (

        {% for length in range(1, hops + 1) -%}
        select
            links_1.customer_id,
            {{ length }} as hops,
            links_{{ length }}.into_id as surviving_id,
            links_1.merged_at,
            {% if length > 1 -%}
            greatest(
                {%- for place in range(1, length + 1) -%}
                links_{{ place }}.merged_at{{ ', ' if not loop.last }}
                {%- endfor -%}
            )
            {%- else -%} links_1.merged_at {%- endif %} as known_at
        from links as links_1
        {%- for place in range(2, length + 1) %}
        inner join links as links_{{ place }}
            on links_{{ place - 1 }}.into_id = links_{{ place }}.customer_id
        {%- endfor %}
        {{ 'union all' if not loop.last }}
        {% endfor %}

    )
{% endmacro %}
