{# dbt run-operation create_cost_limits: the warehouses of the pipeline, each asleep after a minute
   and with a monitor that suspends it at its monthly quota. Queries carry a tag (profiles.yml).
   Serverless tasks and Cortex are outside of resource monitors: they are bounded by XSMALL caps and
   by llm_calls_per_run and llm_calls_per_day. Needs ACCOUNTADMIN. #}
{% macro create_cost_limits(dry_run=false) %}
    {%- if target.type == 'snowflake' -%}
        {{ run_statements(cost_limit_statements(), 'create_cost_limits', dry_run) }}
    {%- elif execute -%}
        {%- do log('create_cost_limits: nothing to do on DuckDB, which costs nothing', info=True) -%}
    {%- endif -%}
{% endmacro %}

{# The size of dbt's own warehouse is left as it is: others may use it. #}
{% macro cost_limit_statements() %}
    {%- set statements = [] -%}
    {%- set sleep = 'auto_suspend = ' ~ refresh_assumptions().seconds_until_suspended -%}
    {%- for warehouse in warehouses() -%}
        {%- set size = "warehouse_size = '" ~ (warehouse.size or 'XSMALL') ~ "' " -%}
        {%- do statements.extend([
            'create warehouse if not exists ' ~ warehouse.name ~ ' ' ~ size
            ~ sleep ~ ' auto_resume = true initially_suspended = true',
            'alter warehouse ' ~ warehouse.name ~ ' set ' ~ (size if warehouse.size else '')
            ~ sleep ~ ' auto_resume = true statement_timeout_in_seconds = '
            ~ warehouse.hours * 3600,
            'create resource monitor if not exists ' ~ warehouse.monitor ~ ' with credit_quota = '
            ~ warehouse.quota
            ~ ' triggers on 75 percent do notify'
            ~ ' on 100 percent do suspend on 110 percent do suspend_immediate',
            'alter resource monitor ' ~ warehouse.monitor ~ ' set credit_quota = ' ~ warehouse.quota,
            'alter warehouse ' ~ warehouse.name ~ ' set resource_monitor = ' ~ warehouse.monitor,
        ]) -%}
    {%- endfor -%}
    {{ return(statements) }}
{% endmacro %}
