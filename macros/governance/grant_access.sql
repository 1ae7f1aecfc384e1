{# dbt run-operation grant_access: who may do what, least privilege, safe to run again and at any time.
   --args '{dry_run: true}' prints the whole plan and asks nothing. Grants on objects that do not
   exist yet are left out and named. ACCOUNTADMIN may run all of them. SECURITYADMIN (MANAGE GRANTS) may
   grant on objects; grants on the account, of Snowflake's own roles and for callers are left out then,
   and a message says so. #}
{% macro grant_access(dry_run=false) %}
    {%- if execute and target.type == 'snowflake' and not dry_run -%}
        {{ grant_what_is_there() }}
    {%- else -%}
        {{ run_statements(place_statements() + grant_statements(), 'grant_access', dry_run) }}
    {%- endif -%}
{% endmacro %}

{% macro grant_what_is_there() %}
    {%- set is_admin = run_query('select current_role()').rows[0][0] == 'ACCOUNTADMIN' -%}
    {%- if is_admin -%}
        {%- for statement in place_statements() -%}
            {%- do log(statement ~ ';', info=True) -%}
            {%- do run_query(statement) -%}
        {%- endfor -%}
    {%- elif not schema_is_there() -%}
        {%- do exceptions.raise_compiler_error(
            'grant_access: schema ' ~ target.database ~ '.' ~ target.schema
            ~ ' is not there: run grant_access as ACCOUNTADMIN, who makes it'
        ) -%}
    {%- endif -%}
    {%- set regions = region_roles('grant_access') -%}
    {%- set there = run_query('show roles').rows | map(attribute='name') | list -%}
    {%- for role in churn_roles() + regions | map(attribute='name') | list if role not in there -%}
        {%- do exceptions.raise_compiler_error(
            'grant_access: role ' ~ role ~ ' is not there: run create_roles first'
        ) -%}
    {%- endfor -%}
    {%- set has_pool = compute_pool() in objects_of_kind('compute pool') -%}
    {%- set wanted = split_by_what_is_there(grant_statements(regions, has_pool)) -%}
    {%- set may, may_not = [], [] -%}
    {%- for statement in wanted.statements -%}
        {%- do (may if is_admin or not is_grant_of_account(statement) else may_not).append(statement) -%}
    {%- endfor -%}
    {{ run_statements(may, 'grant_access', false) }}
    {%- for sentence in wanted.missing -%}{%- do log('grant_access: ' ~ sentence, info=True) -%}{%- endfor -%}
    {%- do log(
        'grant_access: compute pool ' ~ compute_pool() ~ ' is not there yet, so nothing was granted for'
        ~ ' the dashboard; run grant_access again after create_compute_pool', info=True
    ) if not has_pool -%}
    {%- do log(
        'grant_access: ' ~ (may_not | length) ~ " grants on the account are ACCOUNTADMIN's and were left"
        ~ ' out: run it once as ACCOUNTADMIN', info=True
    ) if may_not -%}
{% endmacro %}

{# The database and the schema that hold the pipeline. #}
{% macro place_statements() %}
    {{ return([
        'create database if not exists ' ~ target.database,
        'create schema if not exists ' ~ target.database ~ '.' ~ target.schema,
    ]) }}
{% endmacro %}

{% macro schema_is_there() %}
    {%- for row in run_query("show schemas like '" ~ target.schema ~ "' in account").rows
        if row['name'] | upper == target.schema | upper
        and row['database_name'] | upper == target.database | upper -%}
        {{ return(true) }}
    {%- endfor -%}
    {{ return(false) }}
{% endmacro %}

{# Whether a grant needs ACCOUNTADMIN, because the privilege MANAGE GRANTS does not cover it. #}
{% macro is_grant_of_account(statement) %}
    {{ return(
        ' on account ' in statement or ' caller ' in statement or ' database role ' in statement
    ) }}
{% endmacro %}
