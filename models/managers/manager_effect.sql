with

effect as (

    select * from {{ ref('retention_effect') }}

),

-- Sums over everyone: only for roles that see every region.
visible as (

    select effect.*
    from effect
    where {{ may_see_all_regions() }}

)

select * from visible
