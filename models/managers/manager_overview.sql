with

population as (

    select * from {{ ref('population_figures') }}

),

live as (

    select * from {{ ref('manager_live') }}

),

scoring as (

    select not_scored_because from {{ ref('scoring_status') }}

),

overview as (

    select
        population.customers,
        population.scored_customers,
        population.paused_customers,
        population.new_customers,
        population.new_n,
        population.new_share,
        population.new_expected_to_leave,
        scoring.not_scored_because,
        live.*
    from population
    cross join scoring
    cross join live

)

select * from overview
