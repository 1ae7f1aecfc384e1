{# dbt run-operation create_roles · grant_access: least privilege, safe to run again.
   DuckDB has neither roles nor grants, and says so. #}
{% macro create_roles() %}{{ run_statements(role_statements(), 'create_roles') }}{% endmacro %}

{% macro grant_access() %}{{ run_statements(grant_statements(), 'grant_access') }}{% endmacro %}

{% macro run_statements(statements, operation) %}
    {%- if execute -%}
        {{ return(adapter.dispatch('run_statements')(statements, operation)) }}
    {%- endif -%}
{% endmacro %}
{% macro default__run_statements(statements, operation) %}{{ no_such_engine(operation) }}{% endmacro %}
{% macro snowflake__run_statements(statements, operation) %}
    {%- for statement in statements -%}
        {%- do log(statement, info=True) -%}
        {%- do run_query(statement) -%}
    {%- endfor -%}
{% endmacro %}
{% macro duckdb__run_statements(statements, operation) %}
    {%- do log(
        operation ~ ': nothing to do on DuckDB, which has no roles; preview one with'
        ~ " python -m embedded query --role DATA_ENGINEER \"select * from manager_customers\"",
        info=True
    ) -%}
{% endmacro %}

{% macro churn_roles() %}
    {{ return(['DATA_ENGINEER', 'MARKETING_ANALYST', 'CHURN_MANAGER', 'CHURN_LOADER', 'CHURN_APP']) }}
{% endmacro %}

{% macro role_statements() %}
    {%- set statements = [] -%}
    {%- for role in churn_roles() -%}
        {%- do statements.append('create role if not exists ' ~ role) -%}
        {%- do statements.append('grant role ' ~ role ~ ' to role SYSADMIN') -%}
    {%- endfor -%}
    {{ return(statements) }}
{% endmacro %}

{% macro grant_statements() %}
    {%- set database = target.database -%}
    {%- set schema = database ~ '.' ~ target.schema -%}
    {%- set statements = [] -%}
    {%- for role in churn_roles() -%}
        {%- do statements.append('grant usage on database ' ~ database ~ ' to role ' ~ role) -%}
        {%- do statements.append('grant usage on schema ' ~ schema ~ ' to role ' ~ role) -%}
    {%- endfor -%}
    {%- for role in ['MARKETING_ANALYST', 'CHURN_MANAGER', 'CHURN_APP'] -%}
        {%- do statements.append(
            'grant usage on warehouse ' ~ target.warehouse ~ ' to role ' ~ role
        ) -%}
        {%- for view in manager_views() -%}
            {%- do statements.append(
                'grant select on view ' ~ schema ~ '.' ~ view ~ ' to role ' ~ role
            ) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for procedure, role in manager_procedures() -%}
        {%- do statements.append(
            'grant usage on procedure ' ~ schema ~ '.' ~ procedure ~ ' to role ' ~ role
        ) -%}
    {%- endfor -%}
    {%- for table in ['churn_scores_raw', 'churn_events_rejected', 'ingest_batches'] -%}
        {%- do statements.append(
            'grant select, insert on table ' ~ schema ~ '.' ~ table ~ ' to role CHURN_LOADER'
        ) -%}
    {%- endfor -%}
    {# The loader asks once at a start which offsets are stored. #}
    {%- for role in ['DATA_ENGINEER', 'CHURN_LOADER'] -%}
        {%- do statements.append(
            'grant usage on warehouse ' ~ target.warehouse ~ ' to role ' ~ role
        ) -%}
    {%- endfor -%}
    {%- do statements.append(
        'grant create dynamic table, create stream, create task, create table, create view,'
        ~ ' create function, create procedure, create stage on schema ' ~ schema ~ ' to role DATA_ENGINEER'
    ) -%}
    {%- for privilege in ['execute task', 'execute managed task'] -%}
        {%- do statements.append('grant ' ~ privilege ~ ' on account to role DATA_ENGINEER') -%}
    {%- endfor -%}
    {%- do statements.append(
        'grant database role snowflake.cortex_user to role DATA_ENGINEER'
    ) -%}
    {{ return(statements) }}
{% endmacro %}

{# All that readers may see: the views of models/managers. #}
{% macro manager_views() %}
    {%- set names = [] -%}
    {%- for node in graph.nodes.values()
        if node.resource_type == 'model' and node.fqn[1] == 'managers' -%}
        {%- do names.append(node.alias) -%}
    {%- endfor -%}
    {{ return(names | sort) }}
{% endmacro %}
