with

population as (

    select * from {{ ref('population_figures') }}

),

live as (

    select * from {{ ref('manager_live') }}

),

overview as (

    select
        population.customers,
        population.scored_customers,
        live.*
    from population
    cross join live

)

select * from overview
