{# What grant_access gives to each role. Grants on dynamic tables say so: one on a table does not
   reach them. Readers get views by name, not by a future grant, which would take in the views and
   tables beneath; a view that dbt replaces keeps its grants (copy_grants). #}
{% macro grant_statements() %}
    {%- set schema = target.database ~ '.' ~ target.schema -%}
    {%- set statements = [
        'create database if not exists ' ~ target.database, 'create schema if not exists ' ~ schema,
    ] -%}
    {%- for role in churn_roles() -%}
        {%- for object in [
            'database ' ~ target.database, 'schema ' ~ schema, 'warehouse ' ~ target.warehouse
        ] -%}
            {%- do statements.append('grant usage on ' ~ object ~ ' to role ' ~ role) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(
        statements + engineer_grants(schema) + loader_grants(schema) + reader_grants(schema)
        + app_grants(schema)
    ) }}
{% endmacro %}

{# It owns what it builds; future grants let it look after what another role has deployed. `read session`
   lets the procedures that it owns see who calls them (macros/governance/calling_user.sql). #}
{% macro engineer_grants(schema) %}
    {%- set statements = [
        'grant create dynamic table, create stream, create task, create table, create view,'
        ~ ' create function, create procedure, create stage, create row access policy,'
        ~ ' create masking policy on schema ' ~ schema ~ ' to role DATA_ENGINEER',
        'grant create pipe on schema ' ~ schema ~ ' to role DATA_ENGINEER',
        'grant create alert, create semantic view on schema ' ~ schema ~ ' to role DATA_ENGINEER',
        'grant create schema on database ' ~ target.database ~ ' to role DATA_ENGINEER',
        'grant database role snowflake.cortex_user to role DATA_ENGINEER',
        'grant database role snowflake.usage_viewer to role DATA_ENGINEER',
    ] -%}
    {%- for warehouse in warehouses() if warehouse.name != target.warehouse | upper -%}
        {%- do statements.append(
            'grant usage on warehouse ' ~ warehouse.name ~ ' to role DATA_ENGINEER'
        ) -%}
    {%- endfor -%}
    {%- for privilege in [
        'execute task', 'execute managed task', 'execute alert', 'execute managed alert',
        'use ai functions', 'read session',
    ] -%}
        {%- do statements.append('grant ' ~ privilege ~ ' on account to role DATA_ENGINEER') -%}
    {%- endfor -%}
    {%- for privileges, objects in [
        ('select, monitor, operate', 'dynamic tables'), ('select', 'streams'),
        ('monitor, operate', 'tasks'), ('select', 'tables'), ('select', 'views'),
    ] -%}
        {%- do statements.append(
            'grant ' ~ privileges ~ ' on future ' ~ objects ~ ' in schema ' ~ schema
            ~ ' to role DATA_ENGINEER'
        ) -%}
    {%- endfor -%}
    {{ return(statements) }}
{% endmacro %}

{# The loader appends, and asks once at a start which offsets are stored. #}
{% macro loader_grants(schema) %}
    {%- set statements = [] -%}
    {%- for table in models_in('raw') -%}
        {%- do statements.append(
            'grant select, insert on table ' ~ schema ~ '.' ~ table ~ ' to role CHURN_LOADER'
        ) -%}
    {%- endfor -%}
    {{ return(statements) }}
{% endmacro %}

{% macro reader_grants(schema) %}
    {%- set statements = [] -%}
    {%- for role in ['MARKETING_ANALYST', 'CHURN_MANAGER', 'CHURN_APP'] -%}
        {%- for view in manager_views() -%}
            {%- do statements.append(
                'grant select on view ' ~ schema ~ '.' ~ view ~ ' to role ' ~ role
            ) -%}
        {%- endfor -%}
    {%- endfor -%}
    {#- Cortex Analyst asks for the views beneath as well, and for REFERENCES to read the definition. -#}
    {%- for role in ['MARKETING_ANALYST', 'CHURN_MANAGER'] -%}
        {%- for view in models_in('semantics') -%}
            {%- do statements.append(
                'grant select, references on semantic view ' ~ schema ~ '.' ~ view ~ ' to role ' ~ role
            ) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for procedure, role in manager_procedures() -%}
        {%- do statements.append(
            'grant usage on procedure ' ~ schema ~ '.' ~ procedure ~ ' to role ' ~ role
        ) -%}
    {%- endfor -%}
    {{ return(statements) }}
{% endmacro %}

{# `read session` lets the dashboard ask for its viewer (CURRENT_USER) under its owner's rights.
   Caller grants give nobody anything: in the container runtime the dashboard asks with its viewer's
   own role, and they say which of that role's rights it may use. #}
{% macro app_grants(schema) %}
    {{ return([
        'grant create streamlit, create stage on schema ' ~ schema ~ ' to role CHURN_APP',
        'grant read session on account to role CHURN_APP',
        'grant caller usage on database ' ~ target.database ~ ' to role CHURN_APP',
        'grant caller usage on schema ' ~ schema ~ ' to role CHURN_APP',
        'grant caller usage on warehouse ' ~ target.warehouse ~ ' to role CHURN_APP',
        'grant inherited caller select on all views in schema ' ~ schema ~ ' to role CHURN_APP',
        'grant inherited caller usage on all procedures in schema ' ~ schema ~ ' to role CHURN_APP',
    ]) }}
{% endmacro %}
