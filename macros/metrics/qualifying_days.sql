{# The k-th last active day within the population's window, k = var population_min_active_days, as the
   CTEs latest_active_days and qualifying_days; no row for a customer with fewer.
   recent_days: a CTE with the columns of recent_days().

   DuckDB finds the latest few days of a customer without sorting all of them, but not a single one
   at a certain place. #}
{% macro qualifying_days(recent_days, keys) %}
    {%- set key_list = keys | join(', ') -%}
    latest_active_days as (

        select
            {{ key_list }},
            activity_date
        from {{ recent_days }}
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

    )
{% endmacro %}
