with

states as (

    {{ set_aside_states() }}

)

select * from states
