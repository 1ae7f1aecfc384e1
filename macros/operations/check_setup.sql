{# dbt run-operation check_setup: what an account still lacks, in words, before anything is built; as
   CHURN_APP, what it lacks for the dashboard. The edition cannot be asked for by SQL: var
   snowflake_edition says it. #}
{% macro check_setup() %}
    {%- if execute -%}
        {%- set missing = setup_problems() -%}
        {%- for sentence in missing -%}{%- do log('missing: ' ~ sentence, info=True) -%}{%- endfor -%}
        {%- if missing -%}
            {%- do exceptions.raise_compiler_error(
                'check_setup: ' ~ (missing | length) ~ ' missing, see the lines above'
            ) -%}
        {%- endif -%}
        {%- do log('check_setup: nothing is missing that can be asked for', info=True) -%}
    {%- endif -%}
{% endmacro %}

{% macro setup_problems() %}{{ return(adapter.dispatch('setup_problems')()) }}{% endmacro %}
{% macro default__setup_problems() %}{{ no_such_engine('setup_problems') }}{% endmacro %}
{# DuckDB needs a file that can be written: to come here, it was opened. #}
{% macro duckdb__setup_problems() %}
    {%- do run_query('select count(*) from ' ~ target.database ~ '.embedded.tasks') -%}
    {{ return([]) }}
{% endmacro %}
{% macro snowflake__setup_problems() %}
    {%- if not schema_is_there() -%}
        {{ return(missing_roles() + missing_warehouses(warehouses()) + [
            'schema ' ~ target.database ~ '.' ~ target.schema ~ ' is not there, or not for role '
            ~ target.role ~ ': run grant_access as ACCOUNTADMIN; then check again, for there is more to ask'
        ]) }}
    {%- elif target.role | upper == 'CHURN_APP' -%}
        {{ return(
            missing_privileges(dashboard_privileges()) + missing_warehouses(warehouses()[:1])
            + missing_compute_pool()
        ) }}
    {%- endif -%}
    {{ return(
        missing_privileges(needed_privileges()) + missing_warehouses(warehouses())
        + missing_language_model() + missing_packages() + missing_uploads()
        + missing_message_functions() + missing_notifications()
        + missing_change_tracking() + missing_roles()
    ) }}
{% endmacro %}

{# What the role itself lacks of what grant_access gives it (not what it has from another role);
   owning the schema is as good. Privileges on another schema do not count. #}
{% macro missing_privileges(needed) %}
    {%- set held, missing = [], [] -%}
    {%- set schema = (target.database ~ '.' ~ target.schema) | upper -%}
    {%- for row in run_query('show grants to role ' ~ target.role).rows
        if row['granted_on'] | upper == 'ACCOUNT' or row['name'] | upper == schema -%}
        {%- do held.append(row['privilege'] | upper) -%}
    {%- endfor -%}
    {%- for privilege, object in needed if privilege not in held
        and not (object == schema and 'OWNERSHIP' in held) -%}
        {%- do missing.append(
            'role ' ~ target.role ~ ' may not ' ~ privilege | lower ~ ' on ' ~ object
            ~ ': run grant_access as ACCOUNTADMIN'
        ) -%}
    {%- endfor -%}
    {{ return(missing) }}
{% endmacro %}

{# Each with the object that it is needed on. #}
{% macro needed_privileges() %}
    {%- set schema = (target.database ~ '.' ~ target.schema) | upper -%}
    {%- set needed = [] -%}
    {%- for privilege in ['EXECUTE TASK', 'EXECUTE MANAGED TASK', 'READ SESSION'] -%}
        {%- do needed.append((privilege, 'the account')) -%}
    {%- endfor -%}
    {%- do needed.append(('USE AI FUNCTIONS', 'the account')) if var('email_provider') == 'cortex' -%}
    {%- for privilege in ['EXECUTE ALERT', 'EXECUTE MANAGED ALERT'] if warns() -%}
        {%- do needed.append((privilege, 'the account')) -%}
    {%- endfor -%}
    {%- for kind in created_kinds() + optional_kinds() -%}
        {%- do needed.append(('CREATE ' ~ kind, schema)) -%}
    {%- endfor -%}
    {{ return(needed) }}
{% endmacro %}

{% macro dashboard_privileges() %}
    {%- set schema = (target.database ~ '.' ~ target.schema) | upper -%}
    {{ return([
        ('READ SESSION', 'the account'), ('CREATE STREAMLIT', schema), ('CREATE STAGE', schema)
    ]) }}
{% endmacro %}

{# A warehouse that this role may not use is not listed to it. #}
{% macro missing_warehouses(wanted) %}
    {%- set missing = [] -%}
    {%- for warehouse in wanted -%}
        {%- set shown = namespace(row=none) -%}
        {%- for row in run_query("show warehouses like '" ~ warehouse.name ~ "'").rows
            if row['name'] == warehouse.name -%}
            {%- set shown.row = row -%}
        {%- endfor -%}
        {%- if shown.row is none -%}
            {%- do missing.append('warehouse ' ~ warehouse.name ~ ' is not there, or not for role '
                ~ target.role ~ ': run create_cost_limits, then grant_access') -%}
        {%- elif (shown.row['auto_suspend'] or 0) | int not in range(1, 301) -%}
            {%- do missing.append('warehouse ' ~ warehouse.name
                ~ ' stays awake for more than 5 minutes: run create_cost_limits') -%}
        {%- elif warehouse.size and plain_size(shown.row['size']) != warehouse.size -%}
            {%- do missing.append('warehouse ' ~ warehouse.name ~ ' is ' ~ shown.row['size'] ~ ', not '
                ~ warehouse.size ~ ': run create_cost_limits') -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(missing) }}
{% endmacro %}

{# SHOW WAREHOUSES says X-Small and 2X-Large where CREATE WAREHOUSE says XSMALL and XXLARGE. #}
{% macro plain_size(size) %}
    {{ return(size | upper | replace('-', '') | replace('2X', 'XX')) }}
{% endmacro %}
