create or replace procedure CHURN.PIPELINE.train_churn_model() returns varchar language python runtime_version = '3.11' packages = ( … ) imports = ( … ) handler = 'main' execute as owner as $$ … $$
