{{ config(materialized='ephemeral') }}

with

alerts as (

    {{ of_surviving_ids(ref('high_risk_history')) }}

),

offer_texts as (

    select
        offer,
        max(offer_text) as offer_text
    from {{ ref('offers') }}
    group by offer

),

offered as (

    select
        alerts.*,
        offer_texts.offer_text
    from alerts
    left join offer_texts on alerts.offer = offer_texts.offer

)

select * from offered
