{# What check_setup asks for beyond privileges and the warehouse. #}

{# Only the provider cortex asks one. #}
{% macro missing_language_model() %}
    {%- if var('email_provider') != 'cortex' -%}{{ return([]) }}{%- endif -%}
    {%- for row in run_query(cortex_models()).rows
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
    {%- set is_onnx = var('snowflake_model_format') == 'onnx' -%}
    {%- set packages, missing = (var('snowflake_scoring_packages') | list if is_onnx else []), [] -%}
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
                ~ ' or accept the terms of the Anaconda channel'
                ~ (', or set var snowflake_model_format to trees' if 'onnx' in package else '')) -%}
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

{# Roles that do not exist; those of regions count once the seed has been built. #}
{% macro missing_roles() %}
    {%- set there = run_query('show roles').rows | map(attribute='name') | list -%}
    {%- set missing = [] -%}
    {%- for role in churn_roles() + region_roles() | map(attribute='name') | list
        if role not in there -%}
        {%- do missing.append('role ' ~ role ~ ' is not there: run create_roles') -%}
    {%- endfor -%}
    {{ return(missing) }}
{% endmacro %}

{# The zip files that Python models, procedures and functions import. #}
{% macro missing_uploads() %}
    {%- set stages, missing = [], [] -%}
    {%- for row in run_query('show stages in schema ' ~ target.database ~ '.' ~ target.schema).rows -%}
        {%- do stages.append(row['name'] | lower) -%}
    {%- endfor -%}
    {%- for stage, file, command in [
        ('churn_models', 'training.zip', 'upload'),
        ('churn_code', 'outreach.zip', 'create_message_functions'),
    ] -%}
        {%- set files = [] -%}
        {%- if stage in stages -%}
            {%- for row in run_query('list @' ~ target.database ~ '.' ~ target.schema ~ '.' ~ stage).rows -%}
                {%- do files.append(row['name'].split('/')[-1]) -%}
            {%- endfor -%}
        {%- endif -%}
        {%- if file not in files -%}
            {%- do missing.append(file ~ ' is not on stage ' ~ stage | upper
                ~ ': run make packages && dbt run-operation ' ~ command) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(missing) }}
{% endmacro %}

{% macro missing_message_functions() %}
    {%- set there, missing = [], [] -%}
    {%- for row in run_query(
        'show user functions in schema ' ~ target.database ~ '.' ~ target.schema
    ).rows -%}
        {%- do there.append(row['name'] | lower) -%}
    {%- endfor -%}
    {%- for name in message_functions() if name not in there -%}
        {%- do missing.append('function ' ~ name | upper ~ ' is not in ' ~ target.database ~ '.'
            ~ target.schema ~ ': run make packages && dbt run-operation create_message_functions') -%}
    {%- endfor -%}
    {{ return(missing) }}
{% endmacro %}

{# The dashboard's compute pool. SHOW lists only pools that the role may use. #}
{% macro missing_compute_pool() %}
    {%- for row in run_query('show compute pools').rows if row['name'] | upper == compute_pool() -%}
        {{ return([]) }}
    {%- endfor -%}
    {{ return(['compute pool ' ~ compute_pool() ~ ' is not there, or not for role ' ~ target.role
        ~ ': run create_compute_pool, then grant_access, as ACCOUNTADMIN']) }}
{% endmacro %}
