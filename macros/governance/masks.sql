{# Who may see a customer's name and address: managers and marketing. Others see that it is masked,
   not an empty cell. Plain SQL inside secure views, so that it works on every edition. #}
{% macro may_see_personal_data() -%}
    (is_role_in_session('CHURN_MANAGER') or is_role_in_session('MARKETING_ANALYST'))
{%- endmacro %}

{% macro masked_name(column) -%}
    case when {{ may_see_personal_data() }} then {{ column }} else 'masked' end
{%- endmacro %}

{% macro masked_email(column) -%}
    case when {{ may_see_personal_data() }} then {{ column }} else 'masked' end
{%- endmacro %}
