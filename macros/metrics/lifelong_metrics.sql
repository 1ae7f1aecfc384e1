{# The figures of a customer's whole life, from months, as the CTEs joined_months and lifelong.
   Gaps between active days add up: inside of months they are known, between two months one gap
   leads from the last active day of the one to the first of the other. #}
{% macro lifelong_metrics(monthly, keys) %}
    {%- set key_list = keys | join(', ') -%}
    joined_months as (

        select
            *,
            case
                when active_days > 0 then datediff(
                    'day',
                    lag(last_active_date) over (
                        partition by {{ key_list }}, active_days > 0 order by activity_month
                    ),
                    first_active_date
                )
            end as gap_days_before
        from {{ monthly }}

    ),

    lifelong as (

        select
            {{ key_list }},
            min(first_event_at) as first_seen_at,
            max(last_active_at) as last_activity_at,
            {{- cancelled_and_paused('max(last_active_date)') }},
            max(last_active_date) as last_active_date,
            cast(sum(active_days) as bigint) as active_days_total,
            cast(sum(event_count) as bigint) as events_total,
            {{ spend('purchase_amount') }} as purchase_amount_total,
            datediff('day', min(first_active_date), max(last_active_date)) as gap_days_sum,
            max(greatest(coalesce(gap_days_max, 0), coalesce(gap_days_before, 0))) as gap_days_max,
            cast(sum(
                coalesce(gap_days_squared, 0) + coalesce(gap_days_before * gap_days_before, 0)
            ) as bigint) as gap_days_squared
        from joined_months
        group by {{ key_list }}

    )
{% endmacro %}
