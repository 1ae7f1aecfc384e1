{# Grants whose object is there, as statements, and sentences (missing) that say what is not there and
   what makes it. Grants on the database, its schema and the account need no look. #}
{% macro split_by_what_is_there(grants) %}
    {%- set kinds = {
        'warehouse': 'create_cost_limits', 'table': 'dbt build', 'dynamic table': 'dbt build',
        'view': 'dbt build', 'procedure': 'dbt build', 'semantic view': 'dbt build', 'streamlit': 'deploy_dashboard',
    } -%}
    {%- set there, missing, statements = {}, {}, [] -%}
    {%- for grant in grants -%}
        {%- set found = modules.re.fullmatch(
            'grant [\\w, ]+ on (' ~ kinds | join('|') ~ ') ([^\\s(]+(?:\\([^)]*\\))?) to role \\w+', grant
        ) -%}
        {%- if found and ' caller ' not in grant -%}
            {%- set kind, object = found.group(1), found.group(2) | upper | replace(' ', '') -%}
            {%- do there.update({kind: objects_of_kind(kind)}) if kind not in there -%}
            {%- if object in there[kind] -%}
                {%- do statements.append(grant) -%}
            {%- else -%}
                {%- do missing.setdefault(kind, []).append(object) -%}
            {%- endif -%}
        {%- else -%}
            {%- do statements.append(grant) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set sentences = [] -%}
    {%- for kind, objects in missing.items() -%}
        {%- set names = objects | unique | list -%}
        {%- do sentences.append(
            'not there yet, so not granted: ' ~ (kind ~ ' ' ~ names[0] if names | length == 1
            else names | length ~ ' ' ~ kind ~ 's') ~ '; run grant_access again after ' ~ kinds[kind]
        ) -%}
    {%- endfor -%}
    {{ return({'statements': statements, 'missing': sentences}) }}
{% endmacro %}

{# The names of a kind, in capitals, as a grant writes them: in full but for objects of the account, a
   procedure with the types of its parameters. #}
{% macro objects_of_kind(kind) %}
    {%- set schema = target.database ~ '.' ~ target.schema -%}
    {%- set names = [] -%}
    {%- if kind in ['warehouse', 'compute pool'] -%}
        {%- for row in run_query('show ' ~ kind ~ 's').rows -%}
            {%- do names.append(row['name'] | upper) -%}
        {%- endfor -%}
        {{ return(names) }}
    {%- endif -%}
    {%- if kind == 'procedure' -%}
        {%- for row in run_query('show procedures in schema ' ~ schema).rows -%}
            {%- do names.append(row['arguments'].split(' RETURN')[0] | upper | replace(' ', '')) -%}
        {%- endfor -%}
    {%- else -%}
        {#- SHOW OBJECTS lists tables, dynamic tables and views. -#}
        {%- set shown = kind ~ 's' if kind in ['streamlit', 'semantic view'] else 'objects' -%}
        {%- for row in run_query('show ' ~ shown ~ ' in schema ' ~ schema).rows -%}
            {%- do names.append(row['name'] | upper) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- set in_full = [] -%}
    {%- for name in names -%}{%- do in_full.append((schema | upper) ~ '.' ~ name) -%}{%- endfor -%}
    {{ return(in_full) }}
{% endmacro %}
