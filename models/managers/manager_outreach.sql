with

customers as (

    select * from {{ ref('manager_customers') }}

),

alerts as (

    select * from {{ ref('offered_alerts') }}

),

drawn as (

    select
        alert_id,
        arm
    from {{ ref('drawn_alerts') }}

),

progress as (

    select * from {{ ref('alert_progress') }}

),

messages as (

    select * from {{ ref('shown_messages') }}

),

-- Whom a message could still go to.
written_to as (

    select alerts.customer_id
    from alerts
    inner join progress on alerts.alert_id = progress.alert_id
    where progress.state in ('OPEN', 'DRAFTED', 'APPROVED', 'QUEUED')

),

contacts as (

    select * from {{ contact_suppressions(utc_now(), 'written_to') }} as contact_suppressions

),

outreach as (

    select
        alerts.alert_id,
        alerts.customer_id,
        customers.name,
        customers.region,
        customers.mask_region,
        customers.segment,
        alerts.score,
        alerts.threshold,
        coalesce({{ finite('alerts.value_at_risk') }}, 0) as value_at_risk,
        alerts.top_reasons,
        alerts.offer,
        alerts.offer_text,
        drawn.arm,
        alerts.model_version,
        alerts.created_at as alerted_at,
        progress.state,
        progress.since,
        progress.actor,
        {{ masked('progress.reason', 'customers.sees_personal_data') }} as state_reason,
        {{ masked('messages.subject', 'customers.sees_personal_data') }} as subject,
        {{ masked('messages.body', 'customers.sees_personal_data') }} as body,
        messages.revision,
        messages.author,
        messages.provider,
        messages.model,
        messages.prompt_version,
        messages.checks,
        {{ masked('messages.marks', 'customers.sees_personal_data') }} as marks,
        messages.is_marked,
        messages.status as draft_status,
        {{ masked('messages.error', 'customers.sees_personal_data') }} as draft_error,
        messages.drafted_at,
        progress.owner,
        progress.due_on,
        {{ masked('contacts.suppressed_because', 'customers.sees_personal_data') }}
            as suppressed_because,
        messages.delivery,
        {{ masked('messages.delivery_detail', 'customers.sees_personal_data') }} as delivery_detail,
        customers.may_act
    from alerts
    inner join customers on alerts.customer_id = customers.customer_id
    inner join progress on alerts.alert_id = progress.alert_id
    left join drawn on alerts.alert_id = drawn.alert_id
    left join messages on alerts.alert_id = messages.alert_id
    left join contacts on alerts.customer_id = contacts.customer_id

)

select * from outreach
