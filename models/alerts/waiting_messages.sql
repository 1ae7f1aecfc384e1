{# For a tool that takes messages out of the warehouse by itself: all that may be handed over now.
   It calls CLAIM_MESSAGE before each, and NOTE_DELIVERY after it. Holds addresses: not for
   readers. #}
{{ config(materialized='view') }}

with

waiting as (

    select * from {{ waiting_messages(utc_now()) }} as waiting_messages

),

drafts as (

    select * from {{ ref('current_drafts') }}

),

profiles as (

    select * from {{ ref('customer_profiles') }}

),

messages as (

    select
        waiting.alert_id,
        waiting.message_id,
        mail_address(profiles.email) as recipient,
        drafts.subject,
        drafts.body,
        {{ sql_literal(var('sender_address')) }} as sender,
        {{ sql_literal(var('unsubscribe_address')) }} as unsubscribe_address
    from waiting
    inner join drafts on waiting.alert_id = drafts.alert_id
    inner join profiles on waiting.customer_id = profiles.customer_id
    where waiting.suppressed_because is null

)

select * from messages
