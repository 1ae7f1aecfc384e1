{# The moves that no manager asks for, as queries for move_alerts. #}

{# Alerts of customers who may not be written to, before anything was handed over. #}
{% macro suppressed_alerts() %}
        select
            states.alert_id,
            'SUPPRESSED' as to_state,
            'system' as moved_by,
            'process_alerts' as actor,
            contacts.suppressed_because as reason
        from {{ ref('alert_states') }} as states
        inner join {{ contact_suppressions(as_of()) }} as contacts
            on states.customer_id = contacts.customer_id
        where
            states.state in ('OPEN', 'DRAFTED', 'APPROVED')
            and contacts.suppressed_because is not null
{% endmacro %}

{# Alerts whose draft has passed its checks. #}
{% macro drafted_alerts() %}
        select
            states.alert_id,
            'DRAFTED' as to_state,
            'system' as moved_by,
            drafts.author as actor,
            'draft by ' || drafts.provider as reason
        from {{ ref('alert_states') }} as states
        inner join {{ ref('current_drafts') }} as drafts on states.alert_id = drafts.alert_id
        where states.state = 'OPEN' and drafts.status = 'DRAFTED'
{% endmacro %}
