{# dbt run-operation create_budget: a budget of Snowflake for all that resource monitors leave out:
   serverless tasks, streaming and storage upkeep of the schema and the dashboard's compute pool, beside
   the warehouses. A budget tells somebody, it stops nothing. Its limit is the warehouses' quotas and var
   serverless_credit_budget. Serverless alerts and Cortex count in the account's own budget only:
   docs/snowflake.md says how to switch that on. Needs ACCOUNTADMIN; after create_cost_limits,
   create_compute_pool, create_notifications and grant_access, whose warehouses, pool, integrations and
   schema it names. A pool that is not there yet is left out, and that is said. #}
{% macro create_budget(dry_run=false) %}
    {%- if execute -%}{{ return(adapter.dispatch('create_budget')(dry_run)) }}{%- endif -%}
{% endmacro %}
{% macro default__create_budget(dry_run) %}{{ no_such_engine('create_budget') }}{% endmacro %}
{% macro duckdb__create_budget(dry_run) %}
    {%- do log('create_budget: nothing to do on DuckDB, which costs nothing', info=True) -%}
{% endmacro %}
{% macro snowflake__create_budget(dry_run) %}
    {%- set has_pool = dry_run or compute_pool() in objects_of_kind('compute pool') -%}
    {{ run_statements(budget_statements(has_pool), 'create_budget', dry_run) }}
    {%- do log(
        'create_budget: compute pool ' ~ compute_pool() ~ ' is not there, so it is not part of the budget;'
        ~ ' run create_budget again after create_compute_pool', info=True
    ) if not has_pool -%}
{% endmacro %}

{% macro budget_statements(has_pool=true) %}
    {%- set schema = target.database ~ '.' ~ target.schema -%}
    {%- set budget = schema ~ '.churn_budget' -%}
    {%- set limit = (warehouses() | sum(attribute='quota')) + var('serverless_credit_budget') -%}
    {%- set statements = [
        'create snowflake.core.budget if not exists ' ~ budget ~ '()',
        'call ' ~ budget ~ '!set_spending_limit(' ~ limit ~ ')',
    ] + budget_notifications(budget) -%}
    {%- set resources = [('SCHEMA', schema)] -%}
    {%- do resources.append(('COMPUTE_POOL', compute_pool())) if has_pool -%}
    {%- for warehouse in warehouses() -%}
        {%- do resources.append(('WAREHOUSE', warehouse.name)) -%}
    {%- endfor -%}
    {%- for kind, name in resources -%}
        {%- do statements.append(
            'call ' ~ budget ~ "!add_resource(select system$reference('" ~ kind ~ "', '" ~ name
            ~ "', 'SESSION', 'APPLYBUDGET'))"
        ) -%}
    {%- endfor -%}
    {{ return(statements) }}
{% endmacro %}

{# Budgets are looked after by the application SNOWFLAKE, which needs the integrations itself. #}
{% macro budget_notifications(budget) %}
    {%- set statements = [] -%}
    {%- set to_application = ' to application snowflake' -%}
    {%- set addresses = mail_addresses(var('warning_recipients')) -%}
    {%- if addresses -%}
        {%- do statements.extend([
            'grant usage on integration ' ~ var('digest_integration') ~ to_application,
            'call ' ~ budget ~ "!set_email_notifications('" ~ var('digest_integration') ~ "', "
            ~ sql_literal(addresses | join(', ')) ~ ')',
        ]) -%}
    {%- endif -%}
    {%- if var('slack_integration') != '' -%}
        {%- do statements.extend([
            'grant usage on integration ' ~ var('slack_integration') ~ to_application,
            'grant read on secret ' ~ slack_secret() ~ to_application,
            'grant usage on database ' ~ target.database ~ to_application,
            'grant usage on schema ' ~ target.database ~ '.' ~ target.schema ~ to_application,
            'call ' ~ budget ~ "!add_notification_integration('" ~ var('slack_integration') ~ "')",
        ]) -%}
    {%- endif -%}
    {{ return(statements) }}
{% endmacro %}
