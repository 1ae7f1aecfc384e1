{# The roles that the seed manager_regions names beside churn_roles, each with its name and whether it
   may act in some region. None, and in words why, while the seed is not built or for a caller who
   may not read it: a right to grant is no right to read.
   operation: who asks, for the sentence; '' says nothing. #}
{% macro region_roles(operation='') %}
    {%- if execute -%}{{ return(adapter.dispatch('region_roles')(operation)) }}{%- endif -%}
    {{ return([]) }}
{% endmacro %}
{% macro default__region_roles(operation) %}{{ no_such_engine('region_roles') }}{% endmacro %}
{# DuckDB has no roles to create: a session says which role it previews. #}
{% macro duckdb__region_roles(operation) %}{{ return([]) }}{% endmacro %}
{% macro snowflake__region_roles(operation) %}
    {%- set seed = adapter.get_relation(target.database, target.schema, 'manager_regions') -%}
    {%- if seed is none -%}
        {%- do log(
            operation ~ ': roles of regions wait for the seed manager_regions: run ' ~ operation
            ~ ' again after dbt build', info=True
        ) if operation -%}
        {{ return([]) }}
    {%- elif not run_query("select is_role_in_session('DATA_ENGINEER')").rows[0][0] -%}
        {%- do log(
            operation ~ ': roles of regions are left out, because ' ~ target.role ~ ' may not read the'
            ~ ' seed manager_regions: run ' ~ operation ~ ' as ACCOUNTADMIN for them', info=True
        ) if operation -%}
        {{ return([]) }}
    {%- endif -%}
    {%- set found = [] -%}
    {%- for row in run_query(
        'select role_name, max(case when may_act then 1 else 0 end) from ' ~ seed
        ~ " where role_name not in ('" ~ churn_roles() | join("', '") ~ "')"
        ~ ' group by role_name order by role_name'
    ).rows -%}
        {%- if not modules.re.fullmatch('[A-Z_][A-Z0-9_$]*', row[0]) -%}
            {%- do exceptions.raise_compiler_error(
                "seeds/manager_regions.csv names the role '" ~ row[0] ~ "': use capitals, digits and _"
            ) -%}
        {%- endif -%}
        {%- do found.append({'name': row[0], 'may_act': row[1] | int == 1}) -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}
