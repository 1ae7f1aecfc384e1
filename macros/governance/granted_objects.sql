{# What grant_access gives access to. #}

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

{# What managers may do, with the types of the parameters. Whom each may do it to, the procedures decide
   for their caller (macros/governance/caller_rights.sql). #}
{% macro manager_procedures() %}
    {{ return(procedures_named(['move_alerts', 'edit_draft', 'assign_alerts', 'suppress_customer'])) }}
{% endmacro %}

{# Procedures with the types of their parameters. #}
{% macro procedures_named(names) %}
    {%- set procedures = [] -%}
    {%- for node in graph.nodes.values() | sort(attribute='name') if node.name in names -%}
        {%- do procedures.append(node.alias ~ text_signature(node.config.meta.parameters)) -%}
    {%- endfor -%}
    {{ return(procedures) }}
{% endmacro %}
