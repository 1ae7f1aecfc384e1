{# What grant_access gives to each role. Grants on dynamic tables say so: one on a table does not
   reach them. Readers get views by name, not by a future grant, which would take in the views and
   tables beneath; what dbt replaces keeps its grants (copy_grants, COPY GRANTS).
   The first grant that an account refuses ends grant_access. So what everybody needs comes first, and
   what not every account has comes last, each only where it is switched on.
   region_roles: as region_roles() has them. has_pool: whether the dashboard's compute pool is there. #}
{% macro grant_statements(region_roles=[], has_pool=true) %}
    {%- set schema = target.database ~ '.' ~ target.schema -%}
    {%- set statements = [] -%}
    {%- for role in churn_roles() + region_roles | map(attribute='name') | list -%}
        {%- for object in [
            'database ' ~ target.database, 'schema ' ~ schema, 'warehouse ' ~ target.warehouse
        ] -%}
            {%- do statements.append('grant usage on ' ~ object ~ ' to role ' ~ role) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(
        statements + engineer_grants(schema) + loader_grants(schema)
        + reader_grants(schema, region_roles) + optional_grants(schema, region_roles)
        + (dashboard_grants(schema, region_roles) if has_pool else [])
    ) }}
{% endmacro %}

{# It owns what it builds; future grants let it look after what another role has deployed. `read session`
   lets the procedures that it owns see who calls them (macros/governance/calling_user.sql). #}
{% macro engineer_grants(schema) %}
    {%- set statements = [
        'grant create ' ~ created_kinds() | map('lower') | join(', create ') ~ ' on schema ' ~ schema
        ~ ' to role DATA_ENGINEER',
        'grant create schema on database ' ~ target.database ~ ' to role DATA_ENGINEER',
        'grant database role snowflake.usage_viewer to role DATA_ENGINEER',
    ] -%}
    {%- for warehouse in warehouses() if warehouse.name != target.warehouse | upper -%}
        {%- do statements.append(
            'grant usage on warehouse ' ~ warehouse.name ~ ' to role DATA_ENGINEER'
        ) -%}
    {%- endfor -%}
    {%- for privilege in ['execute task', 'execute managed task', 'read session'] -%}
        {%- do statements.append('grant ' ~ privilege ~ ' on account to role DATA_ENGINEER') -%}
    {%- endfor -%}
    {%- for privileges, objects in [
        ('select, monitor, operate', 'dynamic tables'), ('select', 'streams'),
        ('monitor, operate', 'tasks'), ('select', 'tables'), ('select', 'views'),
    ] -%}
        {%- do statements.append(
            'grant ' ~ privileges ~ ' on future ' ~ objects ~ ' in schema ' ~ schema
            ~ ' to role DATA_ENGINEER'
        ) -%}
    {%- endfor -%}
    {%- for procedure in procedures_named(['forget_customer']) -%}
        {%- do statements.append(
            'grant usage on procedure ' ~ schema ~ '.' ~ procedure ~ ' to role DATA_ENGINEER'
        ) -%}
    {%- endfor -%}
    {{ return(statements) }}
{% endmacro %}

{# What not every account has, or not every team uses: alerts, policies and a dbt project of DATA_ENGINEER,
   Cortex, the semantic view. #}
{% macro optional_grants(schema, region_roles=[]) %}
    {%- set statements = [] -%}
    {%- for privilege in (['execute alert', 'execute managed alert'] if warns() else []) -%}
        {%- do statements.append('grant ' ~ privilege ~ ' on account to role DATA_ENGINEER') -%}
    {%- endfor -%}
    {%- for kind in optional_kinds() -%}
        {%- do statements.append(
            'grant create ' ~ kind | lower ~ ' on schema ' ~ schema ~ ' to role DATA_ENGINEER'
        ) -%}
    {%- endfor -%}
    {%- if var('email_provider') == 'cortex' -%}
        {%- do statements.extend([
            'grant database role snowflake.cortex_user to role DATA_ENGINEER',
            'grant use ai functions on account to role DATA_ENGINEER',
        ]) -%}
    {%- endif -%}
    {%- for role in people(region_roles) -%}
        {%- for view in models_in('semantics') -%}
            {%- do statements.append(
                'grant select, references on semantic view ' ~ schema ~ '.' ~ view ~ ' to role ' ~ role
            ) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(statements) }}
{% endmacro %}

{# The kinds of objects that DATA_ENGINEER makes in the schema; check_setup asks for the same. #}
{% macro created_kinds() %}
    {{ return([
        'DYNAMIC TABLE', 'STREAM', 'TASK', 'TABLE', 'VIEW', 'FUNCTION', 'PROCEDURE', 'STAGE', 'PIPE'
    ]) }}
{% endmacro %}

{# Policies need the Enterprise Edition, a dbt project an account that runs dbt itself, an alert
   somebody to write to; a semantic view is made unless models/semantics is switched off. #}
{% macro optional_kinds() %}
    {%- set kinds = ['ALERT'] if warns() else [] -%}
    {%- do kinds.append('SEMANTIC VIEW') if models_in('semantics') -%}
    {%- if var('snowflake_edition') == 'enterprise' -%}
        {%- do kinds.extend(['ROW ACCESS POLICY', 'MASKING POLICY']) -%}
    {%- endif -%}
    {%- do kinds.append('DBT PROJECT') if var('retrain_schedule') | lower != 'off' -%}
    {{ return(kinds) }}
{% endmacro %}

{# The loader appends, and asks once at a start which offsets are stored and who was forgotten. #}
{% macro loader_grants(schema) %}
    {%- set statements = [] -%}
    {%- for table in models_in('raw') -%}
        {%- set privileges = 'select' if table == 'forgotten_customers' else 'select, insert' -%}
        {%- do statements.append(
            'grant ' ~ privileges ~ ' on table ' ~ schema ~ '.' ~ table ~ ' to role CHURN_LOADER'
        ) -%}
    {%- endfor -%}
    {{ return(statements) }}
{% endmacro %}

{# Who looks at customers, and may open the dashboard: all roles that read but its owner. #}
{% macro people(region_roles=[]) %}
    {{ return(
        ['MARKETING_ANALYST', 'CHURN_MANAGER'] + region_roles | map(attribute='name') | list
    ) }}
{% endmacro %}

{# Roles of regions get what CHURN_MANAGER gets, but not that role, which sees every region; whoever
   only reads is granted no procedure. #}
{% macro reader_grants(schema, region_roles=[]) %}
    {%- set acting = ['CHURN_MANAGER']
        + region_roles | selectattr('may_act') | map(attribute='name') | list -%}
    {%- set statements = [] -%}
    {%- for role in people(region_roles) + ['CHURN_APP'] -%}
        {%- for view in manager_views() -%}
            {%- do statements.append(
                'grant select on view ' ~ schema ~ '.' ~ view ~ ' to role ' ~ role
            ) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for role in acting + ['CHURN_APP'] -%}
        {%- for procedure in manager_procedures() -%}
            {%- do statements.append(
                'grant usage on procedure ' ~ schema ~ '.' ~ procedure ~ ' to role ' ~ role
            ) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(statements) }}
{% endmacro %}

{# The dashboard, which CHURN_APP owns and people open. It runs where an account has container services
   and so a compute pool; grant_access leaves these grants out until that is there.
   `read session` lets the dashboard ask for its viewer (CURRENT_USER) under its owner's rights.
   Caller grants give nobody anything: in the container runtime the dashboard asks with its viewer's
   own role, and they say which of that role's rights it may use. The repository role lets the
   container install the packages of app/requirements.txt, without access to the internet. #}
{% macro dashboard_grants(schema, region_roles=[]) %}
    {%- set statements = [
        'grant usage on compute pool ' ~ compute_pool() ~ ' to role CHURN_APP',
        'grant create streamlit, create stage on schema ' ~ schema ~ ' to role CHURN_APP',
        'grant read session on account to role CHURN_APP',
    ] -%}
    {%- for role in people(region_roles) -%}
        {%- do statements.append(dashboard_grant(role)) -%}
    {%- endfor -%}
    {{ return(statements + [
        'grant database role snowflake.pypi_repository_user to role CHURN_APP',
        'grant caller usage on database ' ~ target.database ~ ' to role CHURN_APP',
        'grant caller usage on schema ' ~ schema ~ ' to role CHURN_APP',
        'grant caller usage on warehouse ' ~ target.warehouse ~ ' to role CHURN_APP',
        'grant inherited caller select on all views in schema ' ~ schema ~ ' to role CHURN_APP',
        'grant inherited caller usage on all procedures in schema ' ~ schema ~ ' to role CHURN_APP',
    ]) }}
{% endmacro %}
