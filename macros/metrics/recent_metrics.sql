{# The figures of the windows that end at a customer's own last active day, from days, as the CTEs
   recent_days, latest_active_days, qualifying_days and recent.

   The join compares the date with an expression of its other side alone: from the least of these
   DuckDB knows which parts of the table hold no day that is asked for. And it finds the latest few
   days of a customer without sorting all of them, but not a single one at a certain place. #}
{% macro recent_metrics(daily, lifelong, keys) %}
    {%- set key_list = keys | join(', ') -%}
    {%- set windows = [7, 28, 84] -%}
    {%- set longest = [84, var('population_window_days') | int] | max -%}
    recent_days as (

        select
            {{ daily }}.*,
            {{ lifelong }}.last_active_date,
            {{ daily }}.activity_date <= {{ lifelong }}.last_active_date as is_before_the_end
        from {{ daily }}
        inner join {{ lifelong }}
            on
                {%- for key in keys %}
                {{ daily }}.{{ key }} = {{ lifelong }}.{{ key }} and
                {%- endfor %}
                {{ daily }}.activity_date > {{ lifelong }}.last_active_date - {{ longest }}

    ),

    latest_active_days as (

        select
            {{ key_list }},
            activity_date
        from recent_days
        where is_active and activity_date > last_active_date - {{ var('population_window_days') }}
        qualify row_number() over (
            partition by {{ key_list }} order by activity_date desc
        ) <= {{ var('population_min_active_days') }}

    ),

    qualifying_days as (

        select
            {{ key_list }},
            min(activity_date) as qualifying_active_date
        from latest_active_days
        group by {{ key_list }}
        having count(*) = {{ var('population_min_active_days') }}

    ),

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
        from recent_days
        group by {{ key_list }}

    )
{% endmacro %}
