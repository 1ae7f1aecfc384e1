{{ config(materialized='ephemeral') }}

with

drafts as (

    select * from {{ ref('current_drafts') }}

),

deliveries as (

    select * from {{ latest_deliveries() }} as latest_deliveries

),

messages as (

    select
        drafts.alert_id,
        drafts.subject,
        drafts.body,
        drafts.revision,
        drafts.author,
        drafts.provider,
        drafts.model,
        drafts.prompt_version,
        drafts.checks,
        drafts.marks,
        {{ is_marked('drafts') }} as is_marked,
        drafts.status,
        drafts.error,
        drafts.created_at as drafted_at,
        deliveries.step as delivery,
        deliveries.detail as delivery_detail
    from drafts
    left join deliveries on drafts.alert_id = deliveries.alert_id

)

select * from messages
