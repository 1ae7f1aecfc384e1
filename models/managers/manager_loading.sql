with

batches as (

    select * from {{ ref('ingest_batches') }}

),

loading as (

    select
        date_trunc('hour', loaded_at) as loaded_hour,
        cast(sum(accepted_count) as bigint) as accepted_count,
        cast(sum(rejected_count) as bigint) as rejected_count
    from batches
    group by date_trunc('hour', loaded_at)

)

select * from loading
