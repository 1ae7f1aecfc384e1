{# Row access and masking policies: a second lock on the managers' views, where the edition has them
   (var snowflake_edition). They say what the views' own SQL says, so that a view that is written
   wrongly one day still shows nobody more. Never on what a dynamic table reads: that would evaluate
   them as its owner, and re-initialize it. #}

{# A post-hook of every managers' view; replacing a view drops its policies, so each build attaches. #}
{% macro attach_policies() %}{{ return(adapter.dispatch('attach_policies')()) }}{% endmacro %}
{% macro default__attach_policies() %}{{ no_such_engine('attach_policies') }}{% endmacro %}
{% macro snowflake__attach_policies() %}
    {%- if var('snowflake_edition') == 'enterprise' and config.get('materialized') == 'view' -%}
        {{ return(policy_statements(this, model.columns.keys() | list) | join(';\n')) }}
    {%- endif -%}
{% endmacro %}
{# DuckDB has no policies: there the views' own SQL is all there is. #}
{% macro duckdb__attach_policies() %}{% endmacro %}

{# A column may stand in a row access policy or in a masking policy, not in both, be it as a condition:
   so views with personal data have the region twice, as region and as mask_region. #}
{% macro policy_statements(view, columns) %}
    {%- set schema = view.include(identifier=false) -%}
    {%- set statements = [] -%}
    {%- if 'region' in columns -%}
        {%- do statements.append(
            'create row access policy if not exists ' ~ schema ~ '.visible_region as'
            ~ ' (customer_region varchar) returns boolean -> ' ~ region_condition(schema)
        ) -%}
        {%- do statements.append(
            'alter row access policy ' ~ schema ~ '.visible_region set body -> '
            ~ region_condition(schema)
        ) -%}
        {%- do statements.append(
            'alter view ' ~ view ~ ' add row access policy ' ~ schema ~ '.visible_region on (region)'
        ) -%}
    {%- endif -%}
    {%- if 'mask_region' in columns -%}
        {%- set policy = schema ~ '.personal_data_of_region' -%}
        {%- do statements.append(
            'create masking policy if not exists ' ~ policy ~ ' as (value varchar, customer_region'
            ~ ' varchar) returns varchar -> ' ~ mask_expression(schema)
        ) -%}
        {%- do statements.append(
            'alter masking policy ' ~ policy ~ ' set body -> ' ~ mask_expression(schema)
        ) -%}
        {%- for column in personal_columns() if column in columns -%}
            {%- do statements.append(
                'alter view ' ~ view ~ ' modify column ' ~ column ~ ' set masking policy ' ~ policy
                ~ ' using (' ~ column ~ ', mask_region)'
            ) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(statements) }}
{% endmacro %}

{% macro region_condition(schema) -%}
    {{ return(
        "exists (select 1 from " ~ schema ~ ".visible_regions as visible"
        ~ " where visible.region in ('*', customer_region))"
    ) }}
{%- endmacro %}

{% macro mask_expression(schema) -%}
    {{ return(
        "case when value is null or exists (select 1 from " ~ schema
        ~ ".visible_regions as visible where visible.sees_personal_data"
        ~ " and visible.region in ('*', customer_region)) then value else 'masked' end"
    ) }}
{%- endmacro %}
