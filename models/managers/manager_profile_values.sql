-- What customers or their tools wrote into profiles, so only for roles that see every region.
with

unknown_values as (

    select * from {{ ref('unknown_profile_values') }}

),

visible as (

    select
        field,
        found_value,
        customers
    from unknown_values
    where {{ may_see_all_regions() }}

)

select * from visible
