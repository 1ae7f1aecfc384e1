{# What the caller of a procedure may do with customers: a relation with customer_id, may_act, role_name
   (a role that may act or, if there is none, one that sees the customer) and actor (who acts, to be
   written down). Customers whom the caller does not see are not in it.
   customers: a relation with the customer_ids that are asked about. #}
{% macro caller_rights(customers) %}
    (
        select
            seen.customer_id,
            seen.acting_role is not null as may_act,
            coalesce(seen.acting_role, seen.seeing_role) as role_name,
            {{ calling_user() }} || ' as ' || seen.acting_role as actor
        from (
            select
                asked.customer_id,
                min(case when regions.may_act then regions.role_name end) as acting_role,
                min(regions.role_name) as seeing_role
            from (select distinct customer_id from {{ customers }} as customers) as asked
            left join {{ ref('customer_identities') }} as identities
                on asked.customer_id = identities.customer_id
            left join {{ ref('customer_profiles') }} as profiles
                on {{ surviving_id('identities', 'asked.customer_id') }} = profiles.customer_id
            inner join (
                {{ role_regions(has_caller_role('role_name'), is_caller('users.user_name')) }}
            ) as regions
                on {{ in_visible_region('profiles.region', 'regions') }}
            group by asked.customer_id
        ) as seen
    )
{% endmacro %}

{# The first branches of a CASE that says what a procedure refuses: whom the caller does not see is not
   there, and what is not there cannot be told from it.
   thing: alert or customer. #}
{% macro refused_by_rights(rights, thing) %}
            when {{ calling_user() }} is null
                then 'Snowflake does not say who asks: run grant_access as ACCOUNTADMIN.'
            when {{ rights }}.customer_id is null then 'There is no such {{ thing }}.'
            when not {{ rights }}.may_act
                then {{ rights }}.role_name || ' may not change this {{ thing }}.'
{% endmacro %}

{# A procedure of an earlier version took the actor as one more text, and asked for no right: on Snowflake
   it is another procedure, which its grants would keep alive. A pre-hook. #}
{% macro drop_procedure_with_actor() %}
    {{ return(adapter.dispatch('drop_procedure_with_actor')()) }}
{% endmacro %}
{% macro default__drop_procedure_with_actor() %}{{ no_such_engine('drop_procedure_with_actor') }}{% endmacro %}
{% macro snowflake__drop_procedure_with_actor() -%}
    drop procedure if exists {{ this }}{{ text_signature((config.meta_require('parameters') | list) + ['actor']) }}
{%- endmacro %}
{# There a name has one body. #}
{% macro duckdb__drop_procedure_with_actor() %}{% endmacro %}
