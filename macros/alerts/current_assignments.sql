{# Who sees to each alert now: a relation with the latest row of each alert in alert_assignments. #}
{% macro current_assignments() %}
    (
        select *
        from {{ ref('alert_assignments') }}
        qualify row_number() over (partition by alert_id order by assigned_at desc, owner) = 1
    )
{% endmacro %}
