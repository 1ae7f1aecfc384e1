{# The moves that no manager asks for, as queries for move_alerts, whose CTE states they read. #}

{# Alerts of customers who may not be written to, before anything was handed over. #}
{% macro suppressed_alerts() %}
        {%- set waiting = "states.state in ('OPEN', 'DRAFTED', 'APPROVED')" %}
        select
            states.alert_id,
            {{ suppressed_state('contacts') }} as to_state,
            'system' as moved_by,
            'process_alerts' as actor,
            contacts.suppressed_because as reason
        from states
        inner join {{ contact_suppressions(
            as_of(), '(select customer_id from states where ' ~ waiting ~ ')'
        ) }} as contacts
            on states.customer_id = contacts.customer_id
        where {{ waiting }} and contacts.suppressed_because is not null
{% endmacro %}

{# Alerts whose draft has passed its checks. #}
{% macro drafted_alerts() %}
        select
            states.alert_id,
            'DRAFTED' as to_state,
            'system' as moved_by,
            drafts.author as actor,
            'draft by ' || drafts.provider as reason
        from states
        inner join {{ ref('current_drafts') }} as drafts on states.alert_id = drafts.alert_id
        where states.state = 'OPEN' and drafts.status = 'DRAFTED'
{% endmacro %}

{# Alerts that nobody decided on while their reasons were fresh. #}
{% macro expired_alerts() %}
        select
            states.alert_id,
            'EXPIRED' as to_state,
            'system' as moved_by,
            'advance_alerts' as actor,
            'not sent within ' || policies.expire_days || ' days' as reason
        from states
        inner join {{ ref('high_risk_history') }} as alerts on states.alert_id = alerts.alert_id
        inner join {{ ref('customer_policies') }} as policies
            on states.customer_id = policies.customer_id
        where
            states.state in ('OPEN', 'DRAFTED', 'APPROVED')
            and datediff('second', alerts.created_at, {{ as_of() }})
            >= policies.expire_days * 86400
{% endmacro %}

{# Alerts whose message was sent and whose horizon has passed; and those that were said to be lost
   before late events told otherwise. #}
{% macro closed_alerts() %}
        select
            states.alert_id,
            case when closed.churned = 1 then 'LOST' else 'RETAINED' end as to_state,
            'system' as moved_by,
            'advance_alerts' as actor,
            case
                when closed.churned = 1 then 'churned within ' else 'stayed for '
            end || closed.horizon_days || ' days after the alert' as reason
        from states
        inner join {{ ref('outcomes') }} as closed on states.alert_id = closed.alert_id
        where states.state = 'SENT' or (states.state = 'LOST' and closed.churned = 0)
{% endmacro %}

{# Approved alerts whose message is in the outbox. #}
{% macro queued_alerts() %}
        select
            states.alert_id,
            'QUEUED' as to_state,
            'system' as moved_by,
            'advance_alerts' as actor,
            'in the outbox' as reason
        from states
        inner join {{ ref('outbox') }} as queued
            on states.alert_id = queued.alert_id and queued.step = 'QUEUED'
        where states.state = 'APPROVED'
{% endmacro %}
