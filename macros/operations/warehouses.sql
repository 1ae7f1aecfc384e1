{# The warehouses of the pipeline, each with name, size (none: that which it has), monitor, its monthly
   quota and its time limit for a statement.

   Each has a resource monitor of its own: a dashboard that was left open must not suspend refreshes.
   CREATE DYNAMIC TABLE is sent from dbt's warehouse and returns when the first fill is done, so that
   both have the long limit. #}
{% macro warehouses() %}
    {%- set listed = [{
        'name': target.warehouse | upper, 'size': none, 'monitor': 'churn_intelligence',
        'quota': var('monthly_credit_quota_queries'), 'hours': 6,
    }] -%}
    {%- for setting, about in {
        'refresh_warehouse': {
            'size': var('snowflake_refresh_size'), 'monitor': 'churn_refresh',
            'quota': refresh_quota(), 'hours': 1,
        },
        'snowflake_initialization_warehouse': {
            'size': var('snowflake_initialization_size'), 'monitor': 'churn_initialization',
            'quota': var('monthly_credit_quota_initialization'), 'hours': 6,
        },
    }.items() -%}
        {%- for name in warehouses_of_models(setting)
            if name not in listed | map(attribute='name') -%}
            {%- do listed.append(dict(about, name=name)) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(listed) }}
{% endmacro %}

{# The warehouses that dynamic tables name in a setting of their meta. #}
{% macro warehouses_of_models(setting) %}
    {%- set names = [] -%}
    {%- for node in graph.nodes.values()
        if node.config.materialized == 'dynamic_table' and node.config.meta.get(setting) -%}
        {%- do names.append(node.config.meta.get(setting)) -%}
    {%- endfor -%}
    {{ return(names | unique | sort) }}
{% endmacro %}
