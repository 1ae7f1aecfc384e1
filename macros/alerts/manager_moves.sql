{# The moves of MOVE_ALERTS: of the alerts asked for, those that may be moved so. A draft is approved
   only when it passed its checks and its customer may be written to, and one with marks only by
   itself, by who names the revision that was read. That is when the arm is drawn: under the same conditions an alert of
   the holdout arm becomes HELD_OUT instead. It is the system that makes this move, so that no
   manager can ask for it and choose who is held out. #}
{% macro manager_moves() %}
    {%- set is_held_out -%}
        {{ parameter('to_state') }} = 'APPROVED' and alerts.arm = 'holdout'
    {%- endset %}
        select
            asked.alert_id,
            case when {{ is_held_out }} then 'HELD_OUT' else {{ parameter('to_state') }} end
                as to_state,
            case when {{ is_held_out }} then 'system' else 'manager' end as moved_by,
            rights.actor,
            case when {{ is_held_out }} then {{ why_held_out() }} else {{ parameter('reason') }} end
                as reason
        from {{ asked_alerts() }} as asked
        inner join {{ ref('high_risk_history') }} as alerts on asked.alert_id = alerts.alert_id
        inner join {{ caller_rights(asked_customers()) }} as rights
            on alerts.customer_id = rights.customer_id
        left join {{ ref('current_drafts') }} as drafts on asked.alert_id = drafts.alert_id
        left join {{ contact_suppressions(as_of(), asked_customers()) }} as contacts
            on alerts.customer_id = contacts.customer_id
        where
            rights.may_act
            and (
                {{ parameter('to_state') }} <> 'APPROVED'
                or (
                    drafts.status = 'DRAFTED'
                    and contacts.suppressed_because is null
                    and not {{ was_changed('drafts') }}
                    and (not {{ is_marked('drafts') }} or {{ was_read() }})
                )
            )
{% endmacro %}

{# Whether a draft has marks: something that must be read before it is approved. Drafts of an older
   release have none; their checks were others. #}
{% macro is_marked(drafts) %}coalesce({{ drafts }}.marks, '[]') <> '[]'{% endmacro %}

{# Whether a caller says to have read the draft: a single alert, and the revision that was read. #}
{% macro was_read() -%}
    (
        {{ parameter('revision') }} is not null
        and (select count(*) = 1 from {{ asked_alerts() }} as asked_ones)
    )
{%- endmacro %}

{# Whether the draft is not the one any more that a caller read. #}
{% macro was_changed(drafts) -%}
    coalesce(
        {{ parameter('revision') }}
        <> cast(coalesce({{ drafts }}.revision, 0) as {{ dbt.type_string() }}),
        false
    )
{%- endmacro %}

{# After the moves: what was asked for and has not come true, with the reason as a sentence. kind says
   whether it was refused, or held_out: approved, and nothing is sent. #}
{% macro answers_to_moves() %}
    select
        asked.alert_id,
        case
            {{- refused_by_rights('rights', 'alert') }}
            when {{ parameter('to_state') }} = 'HELD_OUT'
                then 'Nobody chooses who is held out: that is drawn by chance when an alert is'
                    || ' approved.'
            when states.state = 'HELD_OUT'
                then 'This customer is held out, to measure what messages do: nothing is sent.'
            when states.state = 'INVALID_ADDRESS' and {{ parameter('to_state') }} = 'APPROVED'
                then 'Nothing may be sent: ' || states.reason || '.'
            when transitions.to_state is null
                then 'An alert that is ' || states.state || ' cannot become '
                    || {{ parameter('to_state') }} || '.'
            when transitions.needs_reason and coalesce({{ parameter('reason') }}, '') = ''
                then 'Say why: ' || {{ parameter('to_state') }} || ' needs a reason.'
            when contacts.suppressed_because is not null
                then 'Nothing may be sent: ' || contacts.suppressed_because || '.'
            when drafts.status = 'DRAFTED' and {{ was_changed('drafts') }}
                then 'The draft was changed meanwhile: read it again.'
            when drafts.status = 'DRAFTED'
                then 'The draft has marked text: read it, and approve it by itself.'
            else 'There is no draft that passed its checks.'
        end as sentence,
        case
            when
                rights.may_act
                and states.state = 'HELD_OUT'
                and {{ parameter('to_state') }} = 'APPROVED'
                then 'held_out'
            else 'refused'
        end as kind
    from {{ asked_alerts() }} as asked
    left join {{ ref('alert_states') }} as states on asked.alert_id = states.alert_id
    left join {{ caller_rights(asked_customers()) }} as rights
        on states.customer_id = rights.customer_id
    left join {{ contact_suppressions(as_of(), asked_customers()) }} as contacts
        on states.customer_id = contacts.customer_id
    left join {{ ref('current_drafts') }} as drafts on asked.alert_id = drafts.alert_id
    left join {{ ref('alert_transitions') }} as transitions
        on
            states.state = transitions.from_state
            and transitions.to_state = {{ parameter('to_state') }}
            and transitions.moved_by in ('any', 'manager')
    where
        not coalesce(rights.may_act, false)
        or states.state <> {{ parameter('to_state') }}
        or {{ parameter('to_state') }} = 'HELD_OUT'
{% endmacro %}

{# The customers of the alerts that a caller names. #}
{% macro asked_customers() %}
    (
        select alerts.customer_id
        from {{ asked_alerts() }} as asked
        inner join {{ ref('high_risk_history') }} as alerts on asked.alert_id = alerts.alert_id
    )
{% endmacro %}

{# The alerts that a caller names, as JSON text of a list of ids. #}
{% macro asked_alerts() %}
    (select distinct listed as alert_id from {{ text_list(parameter('alert_ids')) }} as ids)
{% endmacro %}
