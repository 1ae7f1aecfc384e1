{# Whether a run of train_churn_model has brought a model, by its status: `trained`, or `trained
   without …` some rows that are no numbers. The same as training/status.py. #}
{% macro has_trained(status) -%}
    ({{ status }} = 'trained' or {{ status }} like 'trained without %')
{%- endmacro %}

{# A status without the customers that it names: not every role sees all of them. #}
{% macro status_without_customers(status) -%}
    split_part({{ status }}, ', of customers ', 1)
{%- endmacro %}
