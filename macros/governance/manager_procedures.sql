{# What managers may do, by the procedures' own rules; whoever reads only, may not. #}
{% macro manager_procedures() %}
    {%- set granted = [] -%}
    {%- for role in ['CHURN_MANAGER', 'CHURN_APP'] -%}
        {%- for name, count in [
            ('move_alerts', 4), ('edit_draft', 4), ('assign_alerts', 4), ('suppress_customer', 3),
        ] -%}
            {%- do granted.append(
                (name ~ '(' ~ (['varchar'] * count) | join(', ') ~ ')', role)
            ) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(granted) }}
{% endmacro %}
