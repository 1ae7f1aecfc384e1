{# dbt run-operation create_dbt_project --args "{folder: $PWD}": uploads what dbt needs of this folder
   and makes the dbt project object CHURN_INTELLIGENCE of it, which the task of var retrain_schedule
   executes (macros/objects/dbt_task.sql). Run it again after each change of the project, as
   DATA_ENGINEER: the object is replaced, and loses the history of its runs.
   Snowflake passes no environment to a run, so the profile with the object is written out: the names
   of this run, and no login, because the object runs as who executes it. #}
{% macro create_dbt_project(folder='', dry_run=false) %}
    {%- if execute -%}{{ return(adapter.dispatch('create_dbt_project')(folder, dry_run)) }}{%- endif -%}
{% endmacro %}
{% macro default__create_dbt_project(folder, dry_run) %}{{ no_such_engine('create_dbt_project') }}{% endmacro %}
{% macro duckdb__create_dbt_project(folder, dry_run) %}
    {%- do log(
        'create_dbt_project: nothing to do on DuckDB, where dbt runs from the project folder',
        info=True
    ) -%}
{% endmacro %}
{% macro snowflake__create_dbt_project(folder, dry_run) %}
    {%- if not (folder | string).startswith('/') or "'" in folder -%}
        {%- do refuse(
            "create_dbt_project needs the whole path of the project folder, not '" ~ folder ~ "'"
        ) -%}
    {%- endif -%}
    {%- set version = snowflake_dbt_version(dry_run) -%}
    {{ run_statements(dbt_project_statements(folder, version), 'create_dbt_project', dry_run) }}
{% endmacro %}

{# The dbt of the object: var snowflake_dbt_version or, derived, the newest 1.11 that this account runs,
   because Snowflake takes versions away one day. A dry run asks nobody, and names none; nor
   does dbt while it parses. #}
{% macro snowflake_dbt_version(dry_run=false) %}
    {%- set wanted = var('snowflake_dbt_version') | string -%}
    {%- if dry_run or not execute -%}
        {{ return(wanted if wanted != 'derived' else 'the newest 1.11') }}
    {%- endif -%}
    {%- set offered = run_query('select system$supported_dbt_versions()').rows[0][0] -%}
    {%- set versions = modules.re.findall('\"dbt_version\": *\"([^\"]+)\"', offered) -%}
    {%- set patches = [] -%}
    {%- for version in versions if is_full_match('1[.]11[.][0-9]+', version)
        and wanted in ['derived', version] -%}
        {%- do patches.append(version.split('.')[2] | int) -%}
    {%- endfor -%}
    {%- if not patches -%}
        {%- do exceptions.raise_compiler_error(
            'Snowflake does not run dbt ' ~ (wanted if wanted != 'derived' else '1.11') ~ ', but '
            ~ (versions | join(', ')) ~ ': set var snowflake_dbt_version to a 1.11 of these, or leave var'
            ~ ' retrain_schedule off'
        ) -%}
    {%- endif -%}
    {{ return('1.11.' ~ patches | max) }}
{% endmacro %}

{% macro dbt_project_statements(folder, version) %}
    {%- set schema = target.database ~ '.' ~ target.schema -%}
    {%- set stage = '@' ~ schema ~ '.churn_project' -%}
    {%- set statements = [
        'create stage if not exists ' ~ schema ~ '.churn_project', 'remove ' ~ stage,
    ] -%}
    {%- for pattern in project_files() -%}
        {%- set under = pattern.split('*')[0].rsplit('/', 1)[0] if '/' in pattern else '' -%}
        {%- do statements.append(
            "put 'file://" ~ folder.rstrip('/') ~ '/' ~ pattern ~ "' " ~ stage
            ~ ('/' ~ under if under else '') ~ ' auto_compress = false overwrite = true'
        ) -%}
    {%- endfor -%}
    {%- set output = {
        'type': 'snowflake', 'account': '', 'user': '', 'role': target.role, 'threads': 4,
        'database': target.database, 'schema': target.schema, 'warehouse': target.warehouse,
    } -%}
    {%- set profile = {target.profile_name: {'target': 'snowflake', 'outputs': {'snowflake': output}}} -%}
    {{ return(statements + [
        'copy into ' ~ stage ~ '/profiles.yml from (select parse_json('
        ~ sql_literal(tojson(profile)) ~ ')) file_format = (type = json compression = none)'
        ~ ' single = true overwrite = true',
        'create or replace dbt project ' ~ schema ~ ".churn_intelligence from '" ~ stage
        ~ "' dbt_version = '" ~ version ~ "' default_target = 'snowflake'",
    ]) }}
{% endmacro %}

{# The files of the project, as patterns from its folder: each folder that a node lies in, by the kind
   of file. Macros lose their folders on the way, which dbt does not ask for. A hook lies in the
   project folder itself, whose other files are nobody's business: profiles.yml is one of them. #}
{% macro project_files() %}
    {%- set patterns = ['dbt_project.yml', 'macros/*.sql', 'macros/*/*.sql', 'models/*.md'] -%}
    {%- for node in graph.nodes.values() if node.resource_type != 'operation' -%}
        {%- for file in [node.original_file_path, (node.patch_path or '').split('://')[-1]] if file -%}
            {%- do patterns.append(file.rsplit('/', 1)[0] ~ '/*.' ~ file.rsplit('.', 1)[1]) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(patterns | unique | list) }}
{% endmacro %}
