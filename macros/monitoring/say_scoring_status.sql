{# After a build without errors: that the data ends in the past, or why nothing is scored, if so. #}
{% macro say_scoring_status(results) %}
    {%- set failed = results | selectattr('status', 'in', ['error', 'fail']) | list -%}
    {%- if execute and flags.WHICH in ['build', 'run'] and not failed -%}
        {%- do log_scoring_status() -%}
    {%- endif -%}
{% endmacro %}

{# The same for whoever asks; nothing before scoring_status is built. #}
{% macro log_scoring_status() %}
    {%- set relation = load_relation(model_relation('scoring_status')) -%}
    {%- if relation is not none -%}
        {%- for row in run_query('select said from ' ~ relation ~ ' where said is not null').rows -%}
            {%- do log(row[0], info=True) -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}
