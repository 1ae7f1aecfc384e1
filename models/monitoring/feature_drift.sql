with

drift as (

    select * from {{ ref('population_drift') }}

),

features as (

    select * from drift
    where feature <> 'score'

)

select * from features
