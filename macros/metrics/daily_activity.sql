{# What a customer did on a UTC day, from events. For serving (keys: customer_id) and, where training
   must look behind a merge, with the cut-off (keys: cutoff_date, customer_id).

   events: a CTE with the columns of customer_events and the keys. #}
{% macro daily_activity(events, keys) %}
    {%- set key_list = keys | join(', ') %}
    select
        {{ key_list }},
        activity_date,
        {{ first_of_month('activity_date') }} as activity_month,
        count(case when {{ is_visit('category') }} then 1 end) > 0 as is_active,
        count(*) as event_count,
        count(case when category in ('activity', 'resumption') then 1 end) as activity_count,
        {%- for category in ['purchase', 'friction', 'marketing'] %}
        count(case when category = '{{ category }}' then 1 end) as {{ category }}_count,
        {%- endfor %}
        round(sum(
            case
                when category = 'purchase' then coalesce(amount, 0)
                when category = 'refund' then -abs(coalesce(amount, 0))
                else 0
            end
        ), 4) as purchase_amount,
        min(occurred_at) as first_event_at,
        max(case when {{ is_visit('category') }} then occurred_at end) as last_active_at,
        max(case when category = 'cancellation' then occurred_at end) as last_cancelled_at,
        max(case when category = 'pause' then occurred_at end) as last_paused_at,
        max(case when category = 'resumption' then occurred_at end) as last_resumed_at
    from {{ events }}
    where {{ is_of_the_customer('category') }}
    group by {{ key_list }}, activity_date
{% endmacro %}
