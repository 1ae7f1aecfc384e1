{# The figures of the windows that end at a customer's own last active day, as the CTE recent.
   recent_days: a CTE with the columns of recent_days(). #}
{% macro recent_metrics(recent_days, keys) %}
    {%- set key_list = keys | join(', ') -%}
    {%- set windows = [7, 28, 84] -%}
    recent as (

        select
            {{ key_list }},
            {%- for days in windows %}
            {%- set within -%}
                is_before_the_end and activity_date > last_active_date - {{ days }}
            {%- endset %}
            count(case when is_active and {{ within }} then 1 end) as active_days_{{ days }}d,
            {%- for count in ['activity', 'purchase', 'friction', 'marketing'] %}
            cast(sum(case when {{ within }} then {{ count }}_count else 0 end) as bigint)
                as {{ count }}_count_{{ days }}d,
            {%- endfor %}
            {#- No upper end: after the last active day there are only refunds. #}
            {{ spend(
                'case when activity_date > last_active_date - ' ~ days
                ~ ' then purchase_amount else 0 end'
            ) }} as purchase_amount_{{ days }}d,
            {%- endfor %}
            {%- for count in ['friction', 'marketing'] %}
            cast(sum(case when not is_before_the_end then {{ count }}_count else 0 end) as bigint)
                as {{ count }}_count_since_last_activity{{ ',' if not loop.last }}
            {%- endfor %}
        from {{ recent_days }}
        group by {{ key_list }}

    )
{% endmacro %}
