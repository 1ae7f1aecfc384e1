{# dbt run-operation create_roles · drop_access: the roles of the pipeline, safe to run again.
   --args '{dry_run: true}' prints the plan and asks nothing. Both need a role that may create roles
   and grant (USERADMIN with SECURITYADMIN, or ACCOUNTADMIN). DuckDB has no roles.
   Roles of regions are named by the seed manager_regions: run create_roles again after the first
   build, and after a change of the seed. #}
{% macro create_roles(dry_run=false) %}
    {{ run_statements(
        role_statements([] if dry_run else region_roles('create_roles') | map(attribute='name') | list),
        'create_roles', dry_run
    ) }}
{% endmacro %}

{% macro drop_access(confirm='', dry_run=false) %}
    {%- if execute and target.type == 'snowflake' and not dry_run and confirm != 'drop the roles' -%}
        {%- do refuse(
            "drop_access drops the roles " ~ (churn_roles() | join(', '))
            ~ " and those of regions: say --args '{confirm: drop the roles}', or {dry_run: true} to see"
            ~ " the plan"
        ) -%}
    {%- endif -%}
    {{ run_statements(
        drop_access_statements(
            [] if dry_run else region_roles('drop_access') | map(attribute='name') | list
        ),
        'drop_access', dry_run
    ) }}
{% endmacro %}

{% macro run_statements(statements, operation, dry_run=false) %}
    {%- if execute -%}
        {{ return(adapter.dispatch('run_statements')(statements, operation, dry_run)) }}
    {%- endif -%}
{% endmacro %}
{% macro default__run_statements(statements, operation, dry_run) %}{{ no_such_engine(operation) }}{% endmacro %}
{% macro snowflake__run_statements(statements, operation, dry_run) %}
    {%- do log('-- ' ~ operation ~ ', as ' ~ target.role, info=True) -%}
    {%- for statement in statements -%}
        {%- do log(statement ~ ';', info=True) -%}
        {%- do run_query(statement) if not dry_run -%}
    {%- endfor -%}
    {%- do log(
        operation ~ ': ' ~ (statements | length) ~ ' statements'
        ~ (', none of them run: dry_run' if dry_run else ' run'), info=True
    ) -%}
{% endmacro %}
{% macro duckdb__run_statements(statements, operation, dry_run) %}
    {%- do log(
        operation ~ ': nothing to do on DuckDB, which has no roles; preview one with'
        ~ " python -m embedded query --role DATA_ENGINEER \"select * from manager_customers\"",
        info=True
    ) -%}
{% endmacro %}

{# DATA_ENGINEER deploys and owns; CHURN_APP owns the dashboard and shows what each of its users may
   see; CHURN_LOADER loads; the other two read the managers' views. #}
{% macro churn_roles() %}
    {{ return(['DATA_ENGINEER', 'MARKETING_ANALYST', 'CHURN_MANAGER', 'CHURN_LOADER', 'CHURN_APP']) }}
{% endmacro %}

{# A role of a region is beneath SYSADMIN like the others, and not above or beneath CHURN_MANAGER, whose
   rows of the seed it would have then. #}
{% macro role_statements(region_roles=[]) %}
    {%- set statements = [] -%}
    {%- for role in churn_roles() + region_roles -%}
        {%- do statements.append('create role if not exists ' ~ role) -%}
        {%- do statements.append('grant role ' ~ role ~ ' to role SYSADMIN') -%}
    {%- endfor -%}
    {{ return(statements) }}
{% endmacro %}

{# A role that is dropped loses what was granted to it; what it owns goes to who drops it. #}
{% macro drop_access_statements(region_roles=[]) %}
    {%- set statements = [] -%}
    {%- for role in (churn_roles() + region_roles) | reverse -%}
        {%- do statements.append('drop role if exists ' ~ role) -%}
    {%- endfor -%}
    {{ return(statements) }}
{% endmacro %}
