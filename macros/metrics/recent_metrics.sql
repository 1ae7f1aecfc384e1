{# The figures of the windows that end at a customer's own last active day, from days, as the CTEs
   recent_months, recent_days and recent.

   The days are joined by month: engines skip the files of other months by that equality, which they
   cannot do by the dates that a window needs. #}
{% macro recent_metrics(daily, lifelong, keys) %}
    {%- set key_list = keys | join(', ') -%}
    {%- set windows = [7, 28, 84] -%}
    {%- set longest = [84, var('population_window_days') | int] | max -%}
    recent_months as (

        select
            {{ lifelong }}.*,
            {{ dbt.dateadd('month', '-months_back.number', first_of_month('last_active_date')) }}
                as activity_month
        from {{ lifelong }}
        cross join (
            {%- for number in range((longest - 1) // 28 + 2) %}
            select {{ number }} as number{{ ' union all' if not loop.last }}
            {%- endfor %}
        ) as months_back

    ),

    recent_days as (

        select
            {{ daily }}.*,
            recent_months.last_active_date,
            {{ daily }}.activity_date <= recent_months.last_active_date as is_before_the_end,
            case
                when {{ daily }}.is_active then row_number() over (
                    partition by {{ daily }}.{{ keys | join(', ' ~ daily ~ '.') }}, {{ daily }}.is_active
                    order by {{ daily }}.activity_date desc
                )
            end as active_day_rank
        from {{ daily }}
        inner join recent_months
            on
                {%- for key in keys %}
                {{ daily }}.{{ key }} = recent_months.{{ key }} and
                {%- endfor %}
                {{ daily }}.activity_month = recent_months.activity_month

    ),

    recent as (

        select
            {{ key_list }},
            max(
                case
                    when
                        active_day_rank = {{ var('population_min_active_days') }}
                        and activity_date > last_active_date - {{ var('population_window_days') }}
                        then activity_date
                end
            ) as qualifying_active_date,
            {%- for days in windows %}
            {%- set within -%}
                is_before_the_end and activity_date > last_active_date - {{ days }}
            {%- endset %}
            count(case when is_active and {{ within }} then 1 end) as active_days_{{ days }}d,
            {%- for count in ['activity', 'purchase', 'friction', 'marketing'] %}
            cast(sum(case when {{ within }} then {{ count }}_count else 0 end) as bigint)
                as {{ count }}_count_{{ days }}d,
            {%- endfor %}
            round(sum(case when {{ within }} then purchase_amount else 0 end), 4)
                as purchase_amount_{{ days }}d,
            {%- endfor %}
            {%- for count in ['friction', 'marketing'] %}
            cast(sum(case when not is_before_the_end then {{ count }}_count else 0 end) as bigint)
                as {{ count }}_count_later_in_the_month{{ ',' if not loop.last }}
            {%- endfor %}
        from recent_days
        group by {{ key_list }}

    )
{% endmacro %}
