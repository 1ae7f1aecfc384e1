{# What refreshes take in a month of 30 days, in credits, if events never cease: the arithmetic of the
   derived quota and of the table of costs in docs/snowflake.md.

   A lag is a bound, not an interval: Snowflake refreshes more often, and how often it decides itself.
   Two refreshes in each lag are assumed. Each keeps the warehouse awake for its own time and for the
   minute until it is suspended. #}
{% macro refresh_credits() %}
    {%- set about = refresh_assumptions() -%}
    {%- set interval = lag_seconds(var('snowflake_target_lag')) / about.refreshes_per_lag -%}
    {%- set awake = [about.seconds_of_a_refresh + about.seconds_until_suspended, interval] | min -%}
    {{ return(awake / interval * 720 * warehouse_credits()[var('snowflake_refresh_size')]) }}
{% endmacro %}

{% macro refresh_assumptions() %}
    {{ return({
        'refreshes_per_lag': 2, 'seconds_of_a_refresh': 30, 'seconds_until_suspended': 60,
    }) }}
{% endmacro %}

{# Credits an hour by size, as Snowflake spells it in CREATE WAREHOUSE. #}
{% macro warehouse_credits() %}
    {{ return({
        'XSMALL': 1, 'SMALL': 2, 'MEDIUM': 4, 'LARGE': 8, 'XLARGE': 16, 'XXLARGE': 32,
    }) }}
{% endmacro %}

{# The quota of the refresh warehouse: var monthly_credit_quota or, derived, a quarter above what
   refreshes take. #}
{% macro refresh_quota() %}
    {%- if var('monthly_credit_quota') == 'derived' -%}
        {{ return((refresh_credits() * 1.25) | round(0, 'ceil') | int) }}
    {%- endif -%}
    {{ return(var('monthly_credit_quota')) }}
{% endmacro %}
