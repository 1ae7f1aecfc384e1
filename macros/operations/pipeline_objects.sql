{# The objects of the pipeline, as the graph of dbt knows them, for run-operations. #}

{# Every task with its stream, if it has one: those that a stream triggers first, then by name. #}
{% macro pipeline_tasks() %}
    {%- set triggered, scheduled = [], [] -%}
    {%- for node in graph.nodes.values() | sort(attribute='alias')
        if node.resource_type == 'model' and node.config.materialized == 'task'
        and node.config.meta.get('schedule') != 'off' -%}
        {%- set relation = api.Relation.create(
            database=node.database, schema=node.schema, identifier=node.alias
        ) -%}
        {%- set stream_name = node.config.meta.get('stream') -%}
        {%- if stream_name -%}
            {%- do triggered.append(
                {'relation': relation, 'stream': upstream_model(node, stream_name)}
            ) -%}
        {%- else -%}
            {%- do scheduled.append({'relation': relation, 'stream': none}) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(triggered + scheduled) }}
{% endmacro %}

{# Every model of a kind, as a relation, by name; none that is switched off. #}
{% macro pipeline_relations(materialized) %}
    {%- set relations = [] -%}
    {%- for node in graph.nodes.values() | sort(attribute='name')
        if node.resource_type in ['model', 'seed'] and node.config.materialized == materialized
        and node.config.meta.get('schedule') != 'off' -%}
        {%- do relations.append(api.Relation.create(
            database=node.database, schema=node.schema, identifier=node.alias
        )) -%}
    {%- endfor -%}
    {{ return(relations) }}
{% endmacro %}

{# The models of a kind as relations, each after those of them that it reads, also where it reads them
   through models of another kind. As many passes as there are models are enough; a model is taken once
   all that it reads were. #}
{% macro in_order_of_the_flow(materialized) %}
    {%- set waiting = {} -%}
    {%- for node in graph.nodes.values() | sort(attribute='name')
        if node.resource_type in ['model', 'seed'] -%}
        {%- do waiting.update({node.unique_id: node}) -%}
    {%- endfor -%}
    {%- set ordered = [] -%}
    {%- for _ in range(waiting | length) -%}
        {%- for unique_id, node in waiting.copy().items()
            if not (node.depends_on.nodes | select('in', waiting) | list) -%}
            {%- if node.config.materialized == materialized -%}
                {%- do ordered.append(api.Relation.create(
                    database=node.database, schema=node.schema, identifier=node.alias
                )) -%}
            {%- endif -%}
            {%- do waiting.pop(unique_id) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(ordered) }}
{% endmacro %}
