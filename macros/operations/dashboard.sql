{# The dashboard as a Streamlit app in Snowflake's container runtime, without any other tool:
   dbt run-operation create_compute_pool, as ACCOUNTADMIN, and deploy_dashboard · drop_dashboard, as
   CHURN_APP, which owns it. All may be run again; --args '{dry_run: true}' prints the plan. On the
   laptop the dashboard is `streamlit run app/streamlit_app.py`. #}

{# A pool of one node of the smallest family: Snowflake suspends it once no app runs on it. Who may
   use it grant_access says. #}
{% macro create_compute_pool(dry_run=false) %}
    {{ run_on_snowflake(compute_pool_statements(), 'create_compute_pool', dry_run) }}
{% endmacro %}

{% macro deploy_dashboard(dry_run=false) %}
    {%- set readers = dashboard_readers() if execute and target.type == 'snowflake' and not dry_run
        else [] -%}
    {{ run_on_snowflake(dashboard_statements(readers), 'deploy_dashboard', dry_run) }}
    {%- do log(
        'deploy_dashboard: run grant_access again, so that people may open it', info=True
    ) if execute and target.type == 'snowflake' and not dry_run and not readers -%}
{% endmacro %}

{% macro drop_dashboard(dry_run=false) %}
    {{ run_on_snowflake([
        'drop streamlit if exists ' ~ dashboard_name(), 'drop stage if exists ' ~ dashboard_stage(),
    ], 'drop_dashboard', dry_run) }}
{% endmacro %}

{% macro run_on_snowflake(statements, operation, dry_run) %}
    {%- if target.type == 'snowflake' -%}
        {{ run_statements(statements, operation, dry_run) }}
    {%- elif execute -%}
        {%- do log(
            operation ~ ': nothing to do on DuckDB; the dashboard is streamlit run app/streamlit_app.py',
            info=True
        ) -%}
    {%- endif -%}
{% endmacro %}

{% macro compute_pool() %}
    {{ return(env_var('SNOWFLAKE_COMPUTE_POOL', 'CHURN_POOL') | upper) }}
{% endmacro %}

{% macro dashboard_name() %}
    {{ return(target.database ~ '.' ~ target.schema ~ '.CHURN_DASHBOARD') }}
{% endmacro %}

{% macro dashboard_stage() %}
    {{ return(target.database ~ '.' ~ target.schema ~ '.churn_dashboard_files') }}
{% endmacro %}

{% macro compute_pool_statements() %}
    {{ return([
        'create compute pool if not exists ' ~ compute_pool() ~ ' min_nodes = 1 max_nodes = 1'
        ~ ' instance_family = CPU_X64_XS auto_resume = true initially_suspended = true'
        ~ ' auto_suspend_secs = 300',
    ]) }}
{% endmacro %}

{# Who may open the dashboard that is replaced: CREATE OR REPLACE STREAMLIT has no COPY GRANTS. #}
{% macro dashboard_readers() %}
    {%- set readers = [] -%}
    {%- for app in run_query(
        'show streamlits in schema ' ~ target.database ~ '.' ~ target.schema
    ).rows if app['name'] | upper == 'CHURN_DASHBOARD' -%}
        {%- for grant in run_query('show grants on streamlit ' ~ dashboard_name()).rows
            if grant['privilege'] | upper == 'USAGE' and grant['granted_to'] | upper == 'ROLE' -%}
            {%- do readers.append(grant['grantee_name']) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(readers) }}
{% endmacro %}

{# place.json tells the app where its views are and which warehouse it asks with: a session with its
   viewer's rights may have neither. Streamlit reads the stage as it is, hence SNOWFLAKE_SSE and
   auto_compress = false. A new app is shown to nobody but its owner before it has a live version. #}
{% macro dashboard_statements(readers=[]) %}
    {%- set folder = '@' ~ dashboard_stage() ~ '/app' -%}
    {%- set statements = [
        'create stage if not exists ' ~ dashboard_stage() ~ " encryption = (type = 'SNOWFLAKE_SSE')",
        'remove ' ~ folder,
    ] -%}
    {%- for files in dashboard_files() -%}
        {%- set inside = files.rpartition('/')[0] -%}
        {%- do statements.append(
            "put 'file://app/" ~ files ~ "' " ~ folder ~ ('/' ~ inside if inside)
            ~ ' auto_compress = false overwrite = true'
        ) -%}
    {%- endfor -%}
    {%- do statements.extend([
        'copy into ' ~ folder ~ "/place.json from (select object_construct('database', '"
        ~ target.database ~ "', 'schema', '" ~ target.schema ~ "', 'warehouse', '" ~ target.warehouse
        ~ "')) file_format = (type = json compression = none) single = true overwrite = true",
        'create or replace streamlit ' ~ dashboard_name() ~ " from '" ~ folder ~ "'"
        ~ " main_file = 'streamlit_app.py' query_warehouse = " ~ target.warehouse
        ~ " runtime_name = 'SYSTEM$ST_CONTAINER_RUNTIME_PY3_11' compute_pool = " ~ compute_pool()
        ~ ' artifact_repositories = (snowflake.snowpark.pypi_shared_repository)'
        ~ " title = 'Customer churn'",
        'alter streamlit ' ~ dashboard_name() ~ ' add live version from last',
    ]) -%}
    {%- for role in readers -%}
        {%- do statements.append(dashboard_grant(role)) -%}
    {%- endfor -%}
    {{ return(statements) }}
{% endmacro %}

{# The statement that lets a role open the dashboard. #}
{% macro dashboard_grant(role) %}
    {{ return('grant usage on streamlit ' ~ dashboard_name() ~ ' to role ' ~ role) }}
{% endmacro %}

{# What of app/ the app needs, as patterns of PUT: a folder has a pattern of its own. A slash before
   the asterisk would begin a comment. #}
{% macro dashboard_files() %}
    {{ return(['?*.py', 'requirements.txt', 'charts/?*.py', 'data/?*.py', 'views/?*.py']) }}
{% endmacro %}
