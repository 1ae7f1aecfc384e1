{# What is wrong with the vars that decide what Snowflake costs, and with those that contradict each
   other, one sentence each. #}
{% macro check_cost_vars() %}
    {%- set wrong, sizes = [], warehouse_credits() | list -%}
    {%- for name in ['snowflake_refresh_size', 'snowflake_initialization_size']
        if var(name) not in sizes -%}
        {%- do wrong.append(wrong_var(name, sizes[:-1] | join(', ') ~ ' or ' ~ sizes[-1])) -%}
    {%- endfor -%}
    {%- for name in ['stale_after_minutes', 'quiet_after_minutes', 'monthly_credit_quota']
        if var(name) != 'derived' and (var(name) is not integer or var(name) < 1) -%}
        {%- do wrong.append(wrong_var(name, 'derived or a whole number of at least 1')) -%}
    {%- endfor -%}
    {%- if not is_full_match('([1-9][0-9]* (second|minute|hour|day)s?)', var('snowflake_target_lag'))
        or lag_seconds(var('snowflake_target_lag')) < 60 -%}
        {%- do wrong.append(wrong_var(
            'snowflake_target_lag', 'a time as Snowflake prints it, 1 minute at least'
        )) -%}
    {%- endif -%}
    {{ return(wrong or contradicting_cost_vars()) }}
{% endmacro %}

{% macro contradicting_cost_vars() %}
    {%- set wrong = [] -%}
    {%- set least_age = (lag_seconds(target_lag()) * 2 / 60) | round(0, 'ceil') | int -%}
    {%- if stale_after_minutes() < least_age -%}
        {%- do wrong.append(
            wrong_var('stale_after_minutes', 'derived or at least ' ~ least_age)
            ~ ': data that is two target lags old (' ~ target_lag() ~ ' each) is not stale'
        ) -%}
    {%- endif -%}
    {%- if quiet_after_minutes() < stale_after_minutes() -%}
        {%- do wrong.append(
            wrong_var('quiet_after_minutes', 'derived or at least ' ~ stale_after_minutes())
            ~ ': from that age on data is too old to be scored (stale_after_minutes)'
        ) -%}
    {%- endif -%}
    {%- set least_quota = refresh_credits() | round(0, 'ceil') | int -%}
    {%- if refresh_quota() < least_quota -%}
        {%- do wrong.append(
            wrong_var('monthly_credit_quota', 'derived or at least ' ~ least_quota)
            ~ ': that is what refreshes on ' ~ var('snowflake_refresh_size') ~ ' take at a lag of '
            ~ var('snowflake_target_lag') ~ '; or raise snowflake_target_lag'
        ) -%}
    {%- endif -%}
    {%- set shared = target.get('warehouse', '') | upper -%}
    {%- if execute and shared in warehouses_of_models('refresh_warehouse')
        and var('monthly_credit_quota_queries') < least_quota -%}
        {%- do wrong.append(
            wrong_var('monthly_credit_quota_queries', 'at least ' ~ least_quota) ~ ': refreshes, which'
            ~ ' take as much, run on ' ~ shared ~ ' too; or name another SNOWFLAKE_REFRESH_WAREHOUSE'
        ) -%}
    {%- endif -%}
    {{ return(wrong) }}
{% endmacro %}
