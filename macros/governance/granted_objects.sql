{# What grant_access gives access to. #}

{# The statements about what is there: before the first build the raw tables and views are not. #}
{% macro grants_on_what_is_there() %}
    {%- set schema = target.database ~ '.' ~ target.schema -%}
    {%- set missing, statements = [], [] -%}
    {%- for name in models_in('raw') + manager_views()
        if adapter.get_relation(target.database, target.schema, name) is none -%}
        {%- do missing.append(schema ~ '.' ~ name ~ ' to role') -%}
    {%- endfor -%}
    {#- SHOW OBJECTS, which dbt asks, does not list these. -#}
    {%- for relation in pipeline_relations('semantic_view')
        if shown_object('semantic view', relation) is none -%}
        {%- do missing.append(schema ~ '.' ~ relation.identifier ~ ' to role') -%}
    {%- endfor -%}
    {%- for statement in grant_statements() -%}
        {%- set about = namespace(is_missing=false) -%}
        {%- for part in missing if part in statement -%}{%- set about.is_missing = true -%}{%- endfor -%}
        {%- do statements.append(statement) if not about.is_missing -%}
    {%- endfor -%}
    {%- if missing -%}
        {%- do log(
            'grant_access: ' ~ (missing | length) ~ ' tables and views are not built yet: run it again'
            ~ ' after dbt build', info=True
        ) -%}
    {%- endif -%}
    {{ return(statements) }}
{% endmacro %}

{# All that readers may see: the views of models/managers that are named for them. #}
{% macro manager_views() %}
    {%- set names = [] -%}
    {%- for name in models_in('managers') if name.startswith('manager_') -%}
        {%- do names.append(name) -%}
    {%- endfor -%}
    {{ return(names) }}
{% endmacro %}

{% macro models_in(folder) %}
    {%- set names = [] -%}
    {%- for node in graph.nodes.values()
        if node.resource_type == 'model' and node.fqn[1] == folder -%}
        {%- do names.append(node.alias) -%}
    {%- endfor -%}
    {{ return(names | sort) }}
{% endmacro %}

{# What managers may do. Whom each may do it to, the procedures decide for their caller
   (macros/governance/caller_rights.sql); whoever reads only, is granted none. #}
{% macro manager_procedures() %}
    {%- set granted = [] -%}
    {%- for node in graph.nodes.values() | sort(attribute='name')
        if node.name in ['move_alerts', 'edit_draft', 'assign_alerts', 'suppress_customer'] -%}
        {%- for role in ['CHURN_MANAGER', 'CHURN_APP'] -%}
            {%- do granted.append((node.alias ~ text_signature(node.config.meta.parameters), role)) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(granted) }}
{% endmacro %}
