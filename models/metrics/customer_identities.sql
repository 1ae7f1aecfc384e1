{# Small, and the only one that looks from customer to customer. #}
{{ config(
    refresh_mode=refresh_mode_across_keys(),
    meta={'refresh_key': ['customer_id']},
) }}

with

steps as (

    select * from {{ ref('customer_identity_steps') }}

),

identities as (

    select
        customer_id,
        max_by(surviving_id, hops) as surviving_id,
        min(merged_at) as merged_at,
        max(known_at) as known_at
    from steps
    group by customer_id

)

select * from identities
