with

money as (

    select * from {{ ref('retention_money') }}

),

-- Sums over everyone: only for roles that see every region.
visible as (

    select money.*
    from money
    where {{ may_see_all_regions() }}

)

select * from visible
