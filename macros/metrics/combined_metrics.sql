{# The last step of customer_metrics: the CTE combined and the select from it. It reads the CTEs
   lifelong, recent and qualifying_days. #}
{% macro combined_metrics(keys) %}
    {%- set key_list = keys | join(', ') -%}
    combined as (

        select
            lifelong.*,
            active_days_total - 1 as gap_count,
            qualifying_days.qualifying_active_date,
            {%- for days in [7, 28, 84] %}
            {%- for figure in [
                'active_days', 'activity_count', 'purchase_count', 'friction_count',
                'marketing_count', 'purchase_amount',
            ] %}
            coalesce(recent.{{ figure }}_{{ days }}d, 0) as {{ figure }}_{{ days }}d,
            {%- endfor %}
            {%- endfor %}
            {%- for count in ['friction', 'marketing'] %}
            coalesce(recent.{{ count }}_count_since_last_activity, 0)
                as {{ count }}_count_since_last_activity{{ ',' if not loop.last }}
            {%- endfor %}
        from lifelong
        {%- for joined in ['recent', 'qualifying_days'] %}
        left join {{ joined }}
            on {% for key in keys %}lifelong.{{ key }} = {{ joined }}.{{ key }}
            {%- if not loop.last %} and {% endif %}{% endfor %}
        {%- endfor %}

    )

    select
        {{ key_list }},
        first_seen_at,
        last_activity_at,
        cancelled_at,
        paused_at,
        qualifying_active_date,
        active_days_total,
        events_total,
        {%- for days in [7, 28, 84] %}
        active_days_{{ days }}d,
        {%- for count in ['activity', 'purchase', 'friction', 'marketing'] %}
        {{ count }}_count_{{ days }}d,
        {%- endfor %}
        purchase_amount_{{ days }}d,
        {%- endfor %}
        friction_count_since_last_activity,
        marketing_count_since_last_activity,
        purchase_amount_total,
        case when gap_count > 0 then round(cast(gap_days_sum as double) / gap_count, 6) end
            as gap_days_mean,
        case when gap_count > 0 then gap_days_max end as gap_days_max,
        case
            when gap_count > 1 then round(sqrt(greatest(
                gap_days_squared - cast(gap_days_sum as double) * gap_days_sum / gap_count, 0
            ) / (gap_count - 1)), 6)
        end as gap_days_stddev,
        {{ trend('active_days_7d', 7, 'active_days_28d', 28) }} as active_days_trend_7d_28d,
        {{ trend('active_days_28d', 28, 'active_days_84d', 84) }} as active_days_trend_28d_84d,
        {{ trend('purchase_amount_28d', 28, 'purchase_amount_84d', 84) }}
            as purchase_amount_trend_28d_84d
    from combined
{% endmacro %}

{# A short window's daily rate over a long window's: 1 is steady, 0 is stopped, and 1 where the
   long window is empty, because nothing then has changed. #}
{% macro trend(short, short_days, long, long_days) -%}
    case
        when {{ long }} = 0 then 1.0
        else round(
            (cast({{ short }} as double) / {{ short_days }}) / (cast({{ long }} as double) / {{ long_days }}),
            6
        )
    end
{%- endmacro %}
