{# What check_setup asks for beyond privileges and the warehouse. #}

{# Only the provider cortex asks one. #}
{% macro missing_language_model() %}
    {%- if var('email_provider') != 'cortex' -%}{{ return([]) }}{%- endif -%}
    {%- for row in run_query('show cortex base models').rows
        if row['name'] | lower == var('cortex_model') | lower -%}
        {%- if row['lifecycle_status'] | lower in ['legacy', 'deprecated', 'eol'] -%}
            {{ return(['model ' ~ var('cortex_model') ~ ' is ' ~ row['lifecycle_status'] | lower
                ~ ': set var cortex_model to one that is not']) }}
        {%- endif -%}
        {{ return([]) }}
    {%- endfor -%}
    {{ return(['model ' ~ var('cortex_model') ~ ' is not offered to this account: set var'
        ~ ' cortex_model, or let ACCOUNTADMIN set CORTEX_ENABLED_CROSS_REGION']) }}
{% endmacro %}

{# Of scoring, which are pinned, and of the Python models. #}
{% macro missing_packages() %}
    {%- set packages, missing = var('snowflake_scoring_packages') | list, [] -%}
    {%- for node in graph.nodes.values() if node.config.get('packages') -%}
        {%- do packages.extend(node.config.packages) -%}
    {%- endfor -%}
    {%- for package in packages | unique -%}
        {%- set name, version = (package ~ '==').split('==')[:2] -%}
        {%- if not run_query(
            "select 1 from " ~ target.database ~ ".information_schema.packages where language = 'python'"
            ~ " and package_name = '" ~ name ~ "'"
            ~ (" and version = '" ~ version ~ "'" if version else '') ~ " limit 1"
        ).rows -%}
            {%- do missing.append('package ' ~ package ~ ' is not in the account: change its version,'
                ~ ' or accept the terms of the Anaconda channel') -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(missing) }}
{% endmacro %}

{# Snowflake turns it on with the first dynamic table, if the role owns the table. #}
{% macro missing_change_tracking() %}
    {%- set raw, missing = models_in('raw'), [] -%}
    {%- for row in run_query('show tables in schema ' ~ target.database ~ '.' ~ target.schema).rows
        if row['name'] | lower in raw and row['change_tracking'] | upper != 'ON'
        and row['owner'] != target.role -%}
        {%- do missing.append('table ' ~ row['name'] ~ ' does not track changes, and ' ~ target.role
            ~ ' does not own it: alter table ' ~ row['name'] ~ ' set change_tracking = true') -%}
    {%- endfor -%}
    {{ return(missing) }}
{% endmacro %}

{% macro missing_roles() %}
    {%- set there = run_query('show roles').rows | map(attribute='name') | list -%}
    {%- set missing = [] -%}
    {%- for role in churn_roles() if role not in there -%}
        {%- do missing.append('role ' ~ role ~ ' is not there: run create_roles') -%}
    {%- endfor -%}
    {{ return(missing) }}
{% endmacro %}
