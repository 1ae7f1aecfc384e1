with

drift as (

    select * from {{ ref('population_drift') }}

),

scores as (

    select
        week,
        model_version,
        psi,
        moderate_from,
        major_from,
        shift,
        n
    from drift
    where feature = 'score'

)

select * from scores
