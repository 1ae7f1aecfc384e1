with

customers as (

    select * from {{ ref('manager_customers') }}

),

alerts as (

    select * from {{ ref('high_risk_history') }}

),

states as (

    select * from {{ ref('alert_states') }}

),

drafts as (

    select * from {{ ref('current_drafts') }}

),

assignments as (

    select * from {{ current_assignments() }} as current_assignments

),

contacts as (

    select * from {{ contact_suppressions(utc_now()) }} as contact_suppressions

),

deliveries as (

    select * from {{ latest_deliveries() }} as latest_deliveries

),

offer_texts as (

    select
        offer,
        max(offer_text) as offer_text
    from {{ ref('offers') }}
    group by offer

),

outreach as (

    select
        alerts.alert_id,
        alerts.customer_id,
        customers.name,
        customers.region,
        customers.segment,
        alerts.score,
        alerts.threshold,
        alerts.value_at_risk,
        alerts.top_reasons,
        alerts.offer,
        offer_texts.offer_text,
        alerts.arm,
        alerts.model_version,
        alerts.created_at as alerted_at,
        states.state,
        states.since,
        states.actor,
        states.reason as state_reason,
        {{ masked('drafts.subject', where='drafts.alert_id is not null') }} as subject,
        {{ masked('drafts.body', where='drafts.alert_id is not null') }} as body,
        drafts.revision,
        drafts.author,
        drafts.provider,
        drafts.model,
        drafts.prompt_version,
        drafts.checks,
        drafts.status as draft_status,
        drafts.error as draft_error,
        drafts.created_at as drafted_at,
        assignments.owner,
        assignments.due_on,
        contacts.suppressed_because,
        deliveries.step as delivery,
        deliveries.detail as delivery_detail
    from alerts
    inner join customers on alerts.customer_id = customers.customer_id
    inner join states on alerts.alert_id = states.alert_id
    left join drafts on alerts.alert_id = drafts.alert_id
    left join assignments on alerts.alert_id = assignments.alert_id
    left join contacts on alerts.customer_id = contacts.customer_id
    left join deliveries on alerts.alert_id = deliveries.alert_id
    left join offer_texts on alerts.offer = offer_texts.offer

)

select * from outreach
