{# dbt run-operation create_cost_limits: a monitor that suspends the warehouse at var
   monthly_credit_quota, a warehouse that sleeps after a minute, and a query tag on all that dbt sends
   (profiles.yml). Serverless tasks and Cortex are outside of resource monitors: they are bounded by
   XSMALL caps and by llm_calls_per_run and llm_calls_per_day. Needs ACCOUNTADMIN. #}
{% macro create_cost_limits(dry_run=false) %}
    {%- if target.type == 'snowflake' -%}
        {{ run_statements(cost_limit_statements(), 'create_cost_limits', dry_run) }}
    {%- elif execute -%}
        {%- do log('create_cost_limits: nothing to do on DuckDB, which costs nothing', info=True) -%}
    {%- endif -%}
{% endmacro %}

{% macro cost_limit_statements() %}
    {%- set warehouse = target.warehouse -%}
    {%- set quota = var('monthly_credit_quota') -%}
    {{ return([
        'create warehouse if not exists ' ~ warehouse ~ " warehouse_size = 'XSMALL'"
        ~ ' auto_suspend = 60 auto_resume = true initially_suspended = true',
        'alter warehouse ' ~ warehouse ~ ' set auto_suspend = 60 statement_timeout_in_seconds = 3600',
        'create resource monitor if not exists churn_intelligence with credit_quota = ' ~ quota
        ~ ' frequency = monthly start_timestamp = immediately triggers on 75 percent do notify'
        ~ ' on 100 percent do suspend on 110 percent do suspend_immediate',
        'alter resource monitor churn_intelligence set credit_quota = ' ~ quota,
        'alter warehouse ' ~ warehouse ~ ' set resource_monitor = churn_intelligence',
    ]) }}
{% endmacro %}
