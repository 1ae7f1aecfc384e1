{# Whether customers may be written to now, and why not: the one definition, asked when an alert is
   raised, when a draft is approved, when a message is queued and when it is handed over.
   What was noted of an id that was merged holds for the customer it was merged into; to the id itself
   nothing is sent any more.
   A relation with customer_id, suppressed_because (NULL: may be written to) and is_address_invalid
   (that is why).
   customers: a relation with the customer_ids that are asked about. Addresses are judged for these
   only: for every customer there is that would take seconds in each pass.
   policies: customer_policies, or a CTE of the same columns that is there already. #}
{% macro contact_suppressions(moment, customers, policies=none) %}
{%- set invalid = "'the e-mail address is invalid'" %}
    (
        select
            judged.customer_id,
            judged.suppressed_because,
            coalesce(judged.suppressed_because = {{ invalid }}, false) as is_address_invalid
        from (
            select
                asked.customer_id,
                case
                    when policies.customer_id is null
                        then 'merged into customer ' || merged.surviving_id
                    when policies.cancelled_at is not null then 'the customer has cancelled'
                    when policies.paused_at is not null then 'the customer has paused'
                    when not policies.has_marketing_consent
                        then 'the customer has not agreed to marketing'
                    when not policies.has_address then 'the customer has no e-mail address'
                    when suppressed.customer_id is not null
                        then 'the customer is on the suppression list: ' || suppressed.reason
                    when mail_address(policies.email) is null then {{ invalid }}
                    when
                        datediff('second', contacts.last_contact_at, {{ moment }})
                        < policies.contact_gap_days * 86400
                        then 'the customer was written to less than '
                            || policies.contact_gap_days || ' days ago'
                end as suppressed_because
            from (select distinct customer_id from {{ customers }} as customers) as asked
            left join {{ policies or ref('customer_policies') }} as policies
                on asked.customer_id = policies.customer_id
            left join {{ ref('customer_identities') }} as merged
                on asked.customer_id = merged.customer_id
            left join (
                select customer_id, min(reason) as reason
                from ({{ of_surviving_ids(ref('suppressions')) }}) as noted
                group by customer_id
            ) as suppressed on asked.customer_id = suppressed.customer_id
            left join (
                select customer_id, max(noted_at) as last_contact_at
                from ({{ of_surviving_ids(messages_to_customers()) }}) as messages
                group by customer_id
            ) as contacts on asked.customer_id = contacts.customer_id
            where policies.customer_id is not null or merged.customer_id is not null
        ) as judged
    )
{% endmacro %}

{# The state in which an alert ends whose customer may not be written to. Of an invalid address it is
   one of its own: that is something to put right, and nobody's wish. #}
{% macro suppressed_state(contacts) -%}
    case when {{ contacts }}.is_address_invalid then 'INVALID_ADDRESS' else 'SUPPRESSED' end
{%- endmacro %}
